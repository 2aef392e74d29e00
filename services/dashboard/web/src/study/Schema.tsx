/** Our own drawing of what makes an ICDR grade: no photograph, and said to be none. */
import type { ReactElement } from "react";

import { t } from "../text/messages";
import { DISC, MACULA, SIGNS, type Spot } from "./schema";

/** The arcades above and below, and the vessels to the nasal side. */
const ARCADES = [
  "M70 48 C66 30 48 20 20 30",
  "M70 48 C66 68 48 78 20 72",
  "M70 48 C74 34 80 26 88 24",
  "M70 48 C74 62 80 70 88 74",
  "M60 29 C52 34 44 38 34 38",
  "M60 68 C52 64 46 64 36 66",
];
/** A vein that narrows and widens like a string of beads. */
const BEADS: readonly Spot[] = [
  [64, 32],
  [59, 28],
  [53, 25],
  [47, 24],
  [41, 23.5],
  [35, 24.5],
];
/** Fine new vessels that fan out of the disc. */
const NEW_VESSELS = [
  "M70 42 q-6 -3 -4 -8 q5 -2 3 -7",
  "M70 42 q3 -6 8 -6 q2 -5 6 -4",
  "M66 44 q-8 -2 -10 -7 q-4 0 -5 -4",
  "M74 44 q6 0 8 -4 q4 2 6 -1",
];
const FRESH_BLOOD = "M30 80 q12 8 26 2 q-4 8 -14 9 q-9 0 -12 -11";

export function Schema({ grade }: { grade: number }): ReactElement {
  const signs = SIGNS[grade];
  if (signs === undefined) return <></>;
  return (
    <svg className="schema" viewBox="0 0 100 100" role="img" aria-label={t.references.drawnOf(grade)}>
      <circle className="schema-retina" cx="50" cy="50" r="47" />
      <circle className="schema-macula" cx={MACULA[0]} cy={MACULA[1]} r="6" />
      <g className="schema-vessels">
        {ARCADES.map((path) => (
          <path key={path} d={path} />
        ))}
      </g>
      <circle className="schema-disc" cx={DISC[0]} cy={DISC[1]} r="7.5" />
      {signs.beading ? <Spots className="schema-vein" spots={BEADS} radius={1.9} /> : null}
      <Spots className="schema-cotton" spots={signs.cottonWool} radius={3} />
      <Spots className="schema-exudate" spots={signs.exudates} radius={1} />
      <Spots className="schema-blood" spots={signs.haemorrhages} radius={1.3} />
      <Spots className="schema-blood" spots={signs.microaneurysms} radius={0.8} />
      {signs.newVessels ? (
        <>
          <path className="schema-blood" d={FRESH_BLOOD} />
          <g className="schema-new">
            {NEW_VESSELS.map((path) => (
              <path key={path} d={path} />
            ))}
          </g>
        </>
      ) : null}
    </svg>
  );
}

/** Signs are of different sizes; these are taken in turn. */
const SIZES = [1, 0.6, 1.3, 0.8, 0.7, 1.1, 0.5];

function Spots({ className, spots, radius }: { className: string; spots: readonly Spot[]; radius: number }): ReactElement {
  return (
    <g className={className}>
      {spots.map(([x, y], place) => (
        <circle key={`${x} ${y}`} cx={x} cy={y} r={radius * (SIZES[place % SIZES.length] ?? 1)} />
      ))}
    </g>
  );
}
