/** What each line of a chart looks like: a colour, a dash and a marker of its own, so that none depends on colour. */

/** A line's marks: the token of its colour, its dashes in px, and the shape of its points. */
export type LineLook = { ink: string; dash: readonly number[]; marker: "disc" | "square" | "diamond" | "triangle" };

const LOOKS: readonly LineLook[] = [
  { ink: "--accent", dash: [], marker: "disc" },
  { ink: "--urgent", dash: [7, 4], marker: "square" },
  { ink: "--check", dash: [2, 3], marker: "diamond" },
  { ink: "--routine", dash: [10, 3, 2, 3], marker: "triangle" },
  { ink: "--muted", dash: [4, 2], marker: "disc" },
  { ink: "--text", dash: [14, 4], marker: "square" },
];

/** The marks of a chart's line by its place; a seventh line begins anew. */
export function lookOf(place: number): LineLook {
  return LOOKS[place % LOOKS.length] as LineLook;
}

/** Half the size of a marker, px. */
export const MARKER = 4;

type Pen = Pick<Path2D, "arc" | "rect" | "moveTo" | "lineTo" | "closePath">;

/** Draw a marker's outline around a point. */
export function drawMarker(pen: Pen, marker: LineLook["marker"], x: number, y: number, size: number): void {
  if (marker === "disc") {
    pen.moveTo(x + size, y);
    pen.arc(x, y, size, 0, 2 * Math.PI);
    return;
  }
  if (marker === "square") {
    pen.rect(x - size, y - size, 2 * size, 2 * size);
    return;
  }
  const corners: readonly (readonly [number, number])[] =
    marker === "diamond" ? [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]] : [[0, -1.2], [1.2, 1], [-1.2, 1]];
  corners.forEach(([across, down], place) => {
    if (place === 0) pen.moveTo(x + across * size, y + down * size);
    else pen.lineTo(x + across * size, y + down * size);
  });
  pen.closePath();
}

/** The same marker as an SVG path around (x, y), for the legend. */
export function markerPath(marker: LineLook["marker"], x: number, y: number, size: number): string {
  const round = `a${size} ${size} 0 1 0`;
  if (marker === "disc") return `M${x - size} ${y}${round} ${2 * size} 0${round} ${-2 * size} 0z`;
  if (marker === "square") return `M${x - size} ${y - size}h${2 * size}v${2 * size}h${-2 * size}z`;
  const far = 1.3 * size;
  if (marker === "diamond") return `M${x} ${y - far}l${far} ${far}l${-far} ${far}l${-far} ${-far}z`;
  return `M${x} ${y - 1.2 * size}l${1.2 * size} ${2.2 * size}h${-2.4 * size}z`;
}
