/** A version beside the one in use, on the images that both have read: what a promotion rests on. */
import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { useComparison, type Comparison } from "../api/models";
import type { ModelDetail } from "../api/types";
import { LoadFailed } from "../design/LoadFailed";
import { Field } from "../design/parts";
import { figure } from "../text/format";
import { t } from "../text/messages";
import { Confusions } from "./Confusions";
import { shareText } from "../text/shares";

export function Compared({ model }: { model: ModelDetail }): ReactElement {
  const others = model.versions.filter((version) => version.version !== model.active);
  const begun = others.find((version) => version.state === "shadow") ?? others[0];
  const [picked, pick] = useState(begun?.version ?? "");
  return (
    <section className="panel">
      <div className="row row-apart">
        <h2>{t.comparison.title}</h2>
        {others.length > 0 ? (
          <Field label={t.comparison.pick}>
            <select className="input" value={picked} onChange={(event) => pick(event.target.value)}>
              {others.map((version) => (
                <option key={version.id}>{version.version}</option>
              ))}
            </select>
          </Field>
        ) : null}
      </div>
      {others.length === 0 || model.active === null ? (
        <p>{t.comparison.none}</p>
      ) : (
        <Beside name={model.name} version={picked} />
      )}
    </section>
  );
}

function Beside({ name, version }: { name: string; version: string }): ReactElement {
  const comparison = useComparison(name, version);
  if (comparison.isPending) return <p>{t.loading}</p>;
  if (comparison.data === undefined) {
    return <LoadFailed error={comparison.error} again={() => void comparison.refetch()} />;
  }
  const told = comparison.data;
  if (told.n === 0) return <p>{t.comparison.noPairs}</p>;
  return (
    <>
      <p>{t.comparison.pairs(told.n)}</p>
      <BothTable told={told} />
      <p className="tone-muted">{t.comparison.cliniciansWhy}</p>
      <Confusions told={told} />
      <Largest told={told} />
    </>
  );
}

function BothTable({ told }: { told: Comparison }): ReactElement {
  const seconds = (value: number | null): string => (value === null ? t.none : figure(value, null));
  const sides: readonly (readonly [string, string, string])[] = [
    [t.comparison.abstained, shareText(told.abstained.reference), shareText(told.abstained.candidate)],
    [t.comparison.clinicians, shareText(told.clinicians.reference), shareText(told.clinicians.candidate)],
    [t.comparison.seconds, seconds(told.seconds.reference), seconds(told.seconds.candidate)],
  ];
  const kinds = Object.entries(told.kinds)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${t.change.kinds[kind] ?? kind}: ${count}`);
  const both: readonly (readonly [string, string])[] = [
    [t.comparison.agree, shareText(told.agreement)],
    [t.comparison.kinds, kinds.join(", ")],
    [t.comparison.up, String(told.crossings["up"] ?? 0)],
    [t.comparison.down, String(told.crossings["down"] ?? 0)],
    ...Object.entries(told.grades).map(
      ([label, grading]) =>
        [
          t.comparison.kappa(t.labels[label] ?? label),
          grading.quadratic_kappa === null ? t.none : figure(grading.quadratic_kappa, null),
        ] as const,
    ),
  ];
  return (
    <div className="wide figures">
      <table className="table" aria-label={t.comparison.table}>
        <thead>
          <tr>
            <th scope="col">{t.modelPage.figure}</th>
            <th scope="col">{t.comparison.inUse(told.reference)}</th>
            <th scope="col">{t.comparison.candidate(told.candidate)}</th>
          </tr>
        </thead>
        <tbody>
          {both.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td colSpan={2}>{value}</td>
            </tr>
          ))}
          {sides.map(([name, reference, candidate]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{reference}</td>
              <td>{candidate}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Largest({ told }: { told: Comparison }): ReactElement {
  if (told.largest.length === 0) return <></>;
  return (
    <>
      <h3>{t.comparison.largest}</h3>
      <ol className="decisions">
        {told.largest.map((one) => (
          <li key={one.candidate_result_id}>
            <Link href={`/studies/${one.study_id}`}>{t.change.told(one.kind, one.headline)}</Link>
          </li>
        ))}
      </ol>
    </>
  );
}

