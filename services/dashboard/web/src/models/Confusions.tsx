/** Grades of two versions against each other as tables, and what their measurements differ by. */
import type { ReactElement } from "react";

import type { Comparison } from "../api/models";
import { figure } from "../text/format";
import { t } from "../text/messages";

export function Confusions({ told }: { told: Comparison }): ReactElement {
  return (
    <>
      {Object.entries(told.grades).map(([label, grading]) => (
        <Confusion key={label} label={t.labels[label] ?? label} counts={grading.confusion} />
      ))}
      {Object.entries(told.measures).map(([label, spread]) => (
        <p key={label}>
          {t.comparison.measure(t.labels[label] ?? label)}: {differenceText(spread)}
        </p>
      ))}
    </>
  );
}

function differenceText({ mean, low, high }: Comparison["measures"][string]): string {
  if (mean === null) return t.none;
  const told = figure(mean, null);
  return low === null || high === null ? told : t.comparison.limits(told, figure(low, null), figure(high, null));
}

function Confusion({ label, counts }: { label: string; counts: number[][] }): ReactElement {
  return (
    <div className="wide figures">
      <table className="table confusion">
        <caption>{t.comparison.confusion(label)}</caption>
        <thead>
          <tr>
            <td />
            {counts.map((_, grade) => (
              <th key={grade} scope="col">
                {grade}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {counts.map((row, grade) => (
            <tr key={grade}>
              <th scope="row">{grade}</th>
              {row.map((count, other) => (
                <td key={other} className={count > 0 && grade !== other ? "off" : undefined}>
                  {count}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
