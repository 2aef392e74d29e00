/** How much room is left on each disk and of the quota, with the marks at which something happens. */
import type { ReactElement } from "react";

import { useOverview, type Place } from "../api/ops";
import type { IconName } from "../design/icons";
import { Badge, Facts, type Tone } from "../design/parts";
import { bytes, capital, percent } from "../text/format";
import { t } from "../text/messages";
import { Sheet } from "../design/Sheet";

const MARKS: Record<Place["state"], [IconName, Tone]> = {
  ok: ["signed", "routine"],
  low: ["urgent", "urgent"],
  full: ["failed", "stat"],
};

export default function DiskPage(): ReactElement {
  const overview = useOverview();
  return (
    <Sheet title={t.ops.parts.disk} summary={t.ops.disk.summary} load={overview}>
      {overview.data?.places.map((place) => (
        <PlacePanel key={place.name} place={place} />
      ))}
    </Sheet>
  );
}

function PlacePanel({ place }: { place: Place }): ReactElement {
  const words = t.ops.disk;
  const [icon, tone] = MARKS[place.state];
  return (
    <section className="panel place">
      <div className="row row-apart">
        <h2>{capital(place.name)}</h2>
        <Badge icon={icon} tone={tone}>
          {words.states[place.state]}
        </Badge>
      </div>
      <Bar place={place} />
      <p>
        {words.left(bytes(place.left_bytes), bytes(place.total_bytes))}. {words.stateWhy[place.state]}
      </p>
      <Facts
        rows={[
          [words.used, percent(usedOf(place, place.left_bytes))],
          [words.warn, bytes(place.warn_below_bytes)],
          [words.refuse, bytes(place.refuse_below_bytes)],
          [words.accept, bytes(place.accept_from_bytes)],
        ]}
      />
    </section>
  );
}

/** The share, 0-1, that is used where so much is left. */
function usedOf(place: Place, left: number): number {
  return place.total_bytes > 0 ? Math.min(1, Math.max(0, 1 - left / place.total_bytes)) : 1;
}

/** What is used, and the marks of warning (dashed) and refusal. */
function Bar({ place }: { place: Place }): ReactElement {
  const at = (left: number): string => `${usedOf(place, left) * 100}%`;
  const [warn, refuse] = [at(place.warn_below_bytes), at(place.refuse_below_bytes)];
  return (
    <svg
      className="place-bar"
      role="img"
      aria-label={t.ops.disk.bar(place.name, percent(usedOf(place, place.left_bytes)))}
      preserveAspectRatio="none"
    >
      <rect className="all" width="100%" height="100%" rx="4" />
      <rect className="used" width={at(place.left_bytes)} height="100%" rx="4" />
      <line className="mark mark-warn" x1={warn} x2={warn} y1="0" y2="100%" />
      <line className="mark" x1={refuse} x2={refuse} y1="0" y2="100%" />
    </svg>
  );
}
