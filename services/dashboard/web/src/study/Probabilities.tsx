/** The probability of each class as a bar and a number; the interval is drawn beside the classes it spans. */
import type { ReactElement } from "react";

import type { Finding } from "../api/types";
import { percent } from "../text/format";
import { t } from "../text/messages";

type Props = {
  finding: Finding;
  /** The classes to show, in this order. */
  classes: readonly (readonly [string, number])[];
  /** What a class is called where its key is only a number. */
  names: readonly string[];
};

export function Probabilities({ finding, classes, names }: Props): ReactElement {
  const [low, high] = finding.interval ?? [null, null];
  const inside = (key: string): boolean => low !== null && high !== null && Number(key) >= low && Number(key) <= high;
  return (
    <table className="bars" aria-label={t.reading.probabilities}>
      <tbody>
        {classes.map(([key, probability]) => (
          <tr key={key} className={key === String(finding.value) ? "bar-chosen" : undefined}>
            <th scope="row" title={names[Number(key)]}>
              {key}
              <span className="hidden-visually"> {names[Number(key)]}</span>
            </th>
            <td className={inside(key) ? "bar-span" : undefined}>
              <span className="bar-fill" style={{ width: `${probability * 100}%` }} />
            </td>
            <td className="bar-number">{percent(probability)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
