/** How blind readers agree with the machine: one's own figures, and those of all readers together. */
import type { ReactElement } from "react";

import { useAgreement, useMyAgreement, type Agreement, type Bias, type PipelineAgreement } from "../api/blind";
import type { Me } from "../api/types";
import { LoadFailed } from "../design/LoadFailed";
import { percent } from "../text/format";
import { t } from "../text/messages";
import { nameOfPipeline } from "../study/questions";
import { IntervalBar } from "./IntervalBar";
import "./blind.css";

const FIGURES = Object.keys(t.agreement.names) as (keyof Bias)[];

export function Agreements({ me }: { me: Me }): ReactElement {
  const mayRead = me.role !== "technician";
  const mine = useMyAgreement();
  const all = useAgreement(mayRead);
  return (
    <>
      <Told id="mine" title={t.agreement.mine} what={t.agreement.mineWhat} none={t.agreement.none} query={mine} />
      {mayRead ? (
        <Told id="all" title={t.agreement.all} what={t.agreement.allWhat} none={t.agreement.noneOfAll} query={all} />
      ) : null}
    </>
  );
}

type Query = { data: Agreement | undefined; isPending: boolean; error: Error | null; refetch: () => unknown };
type ToldProps = { id: string; title: string; what: string; none: string; query: Query };

function Told({ id, title, what, none, query }: ToldProps): ReactElement {
  const heading = `agreement-${id}`;
  return (
    <section className="panel" aria-labelledby={heading}>
      <h2 id={heading}>{title}</h2>
      <p className="tone-muted">{what}</p>
      {query.data === undefined && query.isPending ? <p className="waiting">{t.loading}</p> : null}
      {query.data === undefined && query.error !== null ? (
        <LoadFailed error={query.error} again={() => void query.refetch()} />
      ) : null}
      {query.data?.pipelines.length === 0 ? <p>{none}</p> : null}
      {query.data?.pipelines.map((one) => (
        <Pipeline key={one.pipeline} one={one} least={query.data?.least_readers ?? 0} />
      ))}
    </section>
  );
}

function Pipeline({ one, least }: { one: PipelineAgreement; least: number }): ReactElement {
  const name = nameOfPipeline(one.pipeline);
  return (
    <div className="agreement">
      <h3>{name}</h3>
      <p className="tone-muted small">{t.agreement.reads(one.reads, one.compared)}</p>
      {one.seen_before > 0 ? <p className="tone-muted small">{t.agreement.seenBefore(one.seen_before)}</p> : null}
      {one.figures === null ? (
        <p>{t.agreement.tooFew(one.readers, least)}</p>
      ) : (
        <Figures name={name} figures={one.figures} />
      )}
    </div>
  );
}

function Figures({ name, figures }: { name: string; figures: Bias }): ReactElement {
  return (
    <table className="table" aria-label={name}>
      <thead>
        <tr>
          <th scope="col">{t.agreement.figure}</th>
          <th scope="col">{t.agreement.share}</th>
          <th scope="col">{t.agreement.interval}</th>
        </tr>
      </thead>
      <tbody>
        {FIGURES.map((figure) => {
          const { count, n, value, low, high } = figures[figure];
          const known = value !== null && low !== null && high !== null;
          return (
            <tr key={figure}>
              <th scope="row">{t.agreement.names[figure]}</th>
              <td>
                {known ? `${percent(value)} · ` : ""}
                {n > 0 ? t.agreement.count(count, n) : t.agreement.noShare}
              </td>
              <td>{known ? <IntervalBar value={value} low={low} high={high} /> : t.none}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
