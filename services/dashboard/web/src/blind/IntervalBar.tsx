/** A share between 0 and 1 with its interval: a line for the eye, the numbers beside it for everybody. */
import type { ReactElement } from "react";

import { percent } from "../text/format";

const WIDTH = 120;
const HEIGHT = 14;
const MARK = 4;

export function IntervalBar({ value, low, high }: { value: number; low: number; high: number }): ReactElement {
  const at = (share: number): number => MARK + share * (WIDTH - 2 * MARK);
  return (
    <span className="interval-bar">
      <svg width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        <path className="interval-scale" d={`M${at(0)} ${HEIGHT / 2}H${at(1)}`} />
        <path className="interval-span" d={`M${at(low)} ${HEIGHT / 2}H${at(high)}`} />
        <circle className="interval-value" cx={at(value)} cy={HEIGHT / 2} r={MARK} />
      </svg>
      <span className="small">
        {percent(low)} – {percent(high)}
      </span>
    </span>
  );
}
