/** A share from 0 to 1 as a bar with the limit below which it is not to be relied on, drawn and written. */
import type { ReactElement } from "react";

import { Badge } from "../design/parts";
import { t } from "../text/messages";

/** More digits than two a predicted share does not have. */
const DIGITS = 2;

type Props = { name: string; score: number; good: boolean; limit: number | null };

export function QualityBar({ name, score, good, limit }: Props): ReactElement {
  const words = limit === null ? [t.volumes.readable, t.volumes.unreadable] : [t.volumes.enough, t.volumes.tooLow];
  return (
    <div className="quality">
      <div className="row row-apart">
        <span>{name}</span>
        <Badge icon={good ? "signed" : "check"} tone={good ? "routine" : "check"}>
          {good ? words[0] : words[1]}
        </Badge>
      </div>
      <div className="quality-track" aria-hidden="true">
        <span className={good ? "quality-fill" : "quality-fill quality-low"} style={{ width: `${share(score)}%` }} />
        {limit === null ? null : <span className="quality-limit" style={{ left: `${share(limit)}%` }} />}
      </div>
      <div className="row row-apart small">
        <strong>{score.toFixed(DIGITS)}</strong>
        {limit === null ? null : <span className="tone-muted">{t.volumes.limit(limit.toFixed(DIGITS))}</span>}
      </div>
    </div>
  );
}

function share(value: number): number {
  return 100 * Math.min(1, Math.max(0, value));
}
