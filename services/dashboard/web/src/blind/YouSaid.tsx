/** What the reader said blind beside what the model says, once both may be seen. */
import type { ReactElement } from "react";

import type { BlindRead } from "../api/blind";
import type { Result } from "../api/types";
import { Badge } from "../design/parts";
import { quantity } from "../text/format";
import { t } from "../text/messages";
import { askName } from "./AskField";
import { pairs, type Pair, type Value } from "./sides";
import "./blind.css";

export function YouSaid({ read, result }: { read: BlindRead; result: Result }): ReactElement {
  const told = pairs(read, result);
  return (
    <section className="panel" aria-labelledby="said-title">
      <h2 id="said-title">{t.blind.told}</h2>
      <table className="volumes said" aria-labelledby="said-title">
        <thead>
          <tr>
            <th scope="col">{t.blind.finding}</th>
            <th scope="col">{t.blind.you}</th>
            <th scope="col">{t.blind.machine}</th>
            <th scope="col">{t.blind.verdict}</th>
          </tr>
        </thead>
        <tbody>
          {told.map((pair) => (
            <tr key={`${pair.label}/${pair.laterality}`}>
              <th scope="row">{askName(pair, result.pipeline)}</th>
              <td>{valueText(pair.said, pair)}</td>
              <td>{result.abstained ? t.blind.abstained : valueText(pair.machine, pair)}</td>
              <td>
                <Compared same={result.abstained ? null : pair.same} />
              </td>
            </tr>
          ))}
          {told.length === 0 ? (
            <tr>
              <th scope="row">{t.quality.title}</th>
              <td>{read.ungradable ? t.blind.nothing : t.blind.usable}</td>
              <td>{result.abstained ? t.blind.abstained : t.blind.answered}</td>
              <td>
                <Compared same={read.ungradable === result.abstained} />
              </td>
            </tr>
          ) : null}
        </tbody>
      </table>
      {read.comment ? <blockquote>{read.comment}</blockquote> : null}
    </section>
  );
}

function valueText(value: Value, { unit }: Pair): string {
  if (value === null) return t.none;
  return typeof value === "number" ? quantity(value, unit) : value;
}

function Compared({ same }: { same: boolean | null }): ReactElement {
  if (same === null) return <span className="tone-muted">{t.blind.uncompared}</span>;
  return (
    <Badge icon={same ? "signed" : "check"} tone={same ? "routine" : "urgent"}>
      {same ? t.blind.same : t.blind.different}
    </Badge>
  );
}
