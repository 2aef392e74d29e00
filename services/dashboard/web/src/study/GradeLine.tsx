/** One eye's grades over the visits as a small line, and the same in words. */
import type { ReactElement } from "react";

import { t } from "../text/messages";
import type { GradePoint } from "./visits";

const WIDTH = 220;
const HEIGHT = 56;
const MARGIN = 8;
const HIGHEST = t.grades.dr_grade.length - 1;

/** A line needs two points; one grade alone stands above it already. */
export function GradeLine({ points }: { points: readonly GradePoint[] }): ReactElement {
  if (points.length < 2) return <></>;
  const step = (WIDTH - 2 * MARGIN) / (points.length - 1);
  const placed = points.map((point, place) => ({
    ...point,
    x: MARGIN + place * step,
    y: HEIGHT - MARGIN - ((HEIGHT - 2 * MARGIN) * point.grade) / HIGHEST,
  }));
  const words = points.map((point) => t.eyeTools.point(point.date, point.grade));
  return (
    <div className="grade-line">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        {t.grades.dr_grade.map((_, grade) => {
          const y = HEIGHT - MARGIN - ((HEIGHT - 2 * MARGIN) * grade) / HIGHEST;
          return <path key={grade} className="grade-line-level" d={`M0 ${y}H${WIDTH}`} />;
        })}
        <path className="grade-line-path" d={`M${placed.map(({ x, y }) => `${x} ${y}`).join("L")}`} />
        {placed.map(({ x, y, signed }) => (
          <circle key={x} className={signed ? "grade-line-signed" : "grade-line-machine"} cx={x} cy={y} r="4.5" />
        ))}
      </svg>
      <p className="tone-muted small">{words.join(" → ")}</p>
    </div>
  );
}
