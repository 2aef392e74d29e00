/** A share from 0 to 1 as a bar with the limit below which it is not to be relied on, drawn and written. */
import type { ReactElement } from "react";

import type { Quality } from "../api/types";
import { Badge } from "../design/parts";
import { t } from "../text/messages";

/** More digits than two a predicted share does not have. */
const DIGITS = 2;

type Props = { name: string; quality: Quality; limit: number | null };

export function QualityBar({ name, quality, limit }: Props): ReactElement {
  const { score, gradable } = quality;
  const reasons = (quality.reasons ?? []).map((reason) => t.quality.reasons[reason] ?? reason.replaceAll("_", " "));
  return (
    <div className="quality">
      <div className="row row-apart">
        <span>
          {name} <strong>{score.toFixed(DIGITS)}</strong>
        </span>
        <Badge icon={gradable ? "signed" : "check"} tone={gradable ? "routine" : "check"}>
          {gradable ? t.volumes.readable : t.volumes.unreadable}
        </Badge>
      </div>
      <div className="quality-track" aria-hidden="true">
        <span
          className={gradable ? "quality-fill" : "quality-fill quality-low"}
          style={{ width: `${share(score)}%` }}
        />
        {limit === null ? null : <span className="quality-limit" style={{ left: `${share(limit)}%` }} />}
      </div>
      <p className="tone-muted small">{[limitText(score, limit), ...reasons].filter(Boolean).join(", ")}</p>
    </div>
  );
}

function limitText(score: number, limit: number | null): string | null {
  if (limit === null) return null;
  const text = limit.toFixed(DIGITS);
  return score < limit ? t.volumes.below(text) : t.volumes.limit(text);
}

function share(value: number): number {
  return 100 * Math.min(1, Math.max(0, value));
}
