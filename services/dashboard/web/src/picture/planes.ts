/** Planes of a volume as pixels to draw, and the outlines of what is marked in them. */
import type { Table } from "./colours";
import type { Plane, Values } from "./nifti";

/** Bins of the histogram from which a percentile is read: finer than any screen shows. */
const BINS = 4096;

/** The value below which `share` of the voxels above 0 and of those at 0 lie; at least a little above 0. */
export function percentile(values: Values, share: number): number {
  let highest = 0;
  for (const value of values) highest = Math.max(highest, value);
  if (!(highest > 0)) return 1;
  const counts = new Uint32Array(BINS);
  for (const value of values) {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor((value / highest) * BINS)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  let left = share * values.length;
  for (let bin = 0; bin < BINS; bin += 1) {
    left -= counts[bin] ?? 0;
    if (left <= 0) return (highest * (bin + 1)) / BINS;
  }
  return highest;
}

/** Red, green, blue and opacity of each voxel, from 0 as the table's first colour to `top` as its last. */
export function pixels(plane: Plane, top: number, table: Table): Uint8ClampedArray<ArrayBuffer> {
  const drawn = new Uint8ClampedArray(plane.values.length * 4);
  for (let voxel = 0; voxel < plane.values.length; voxel += 1) {
    const level = Math.min(255, Math.max(0, Math.round(((plane.values[voxel] ?? 0) / top) * 255)));
    for (let channel = 0; channel < 3; channel += 1) drawn[4 * voxel + channel] = table[3 * level + channel] ?? 0;
    drawn[4 * voxel + 3] = 255;
  }
  return drawn;
}

/** The edges between what is marked and what is not, as an SVG path in voxels. */
export function outline({ width, height, values }: Plane): string {
  const marked = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && (values[x + width * y] ?? 0) > 0;
  const edges: string[] = [];
  for (let y = 0; y <= height; y += 1) {
    for (let x = 0; x <= width; x += 1) {
      if (marked(x, y) !== marked(x, y - 1)) edges.push(`M${x} ${y}h1`);
      if (marked(x, y) !== marked(x - 1, y)) edges.push(`M${x} ${y}v1`);
    }
  }
  return edges.join("");
}

/** How many separate areas are marked; voxels that touch at a corner belong together. */
export function areas({ width, height, values }: Plane): number {
  const left = new Set<number>();
  values.forEach((value, place) => value > 0 && left.add(place));
  let count = 0;
  for (const start of left) {
    count += 1;
    const open = [start];
    left.delete(start);
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      for (const near of around(place, width, height)) if (left.delete(near)) open.push(near);
    }
  }
  return count;
}

function around(place: number, width: number, height: number): number[] {
  const [x, y] = [place % width, Math.floor(place / width)];
  const steps = [-1, 0, 1];
  return steps
    .flatMap((dy) => steps.map((dx) => [x + dx, y + dy] as const))
    .filter(([nx, ny]) => nx >= 0 && ny >= 0 && nx < width && ny < height)
    .map(([nx, ny]) => nx + width * ny);
}

/** How many voxels are marked in each slice. */
export function markedBySlice(values: Values, slices: number): number[] {
  const size = values.length / slices;
  const counts = new Array<number>(slices).fill(0);
  values.forEach((value, place) => {
    const slice = Math.floor(place / size);
    if (value > 0) counts[slice] = (counts[slice] ?? 0) + 1;
  });
  return counts;
}

/** The slice with the most marked voxels, else the middle one, which shows more than the edge. */
export function beginningSlice(marked: readonly number[]): number {
  const most = Math.max(...marked, 0);
  return most > 0 ? marked.indexOf(most) : Math.floor((marked.length - 1) / 2);
}

/** Slice numbers from 1 with something marked, as spans: "3–5, 9". */
export function spans(marked: readonly number[]): string {
  const numbers = marked.flatMap((count, slice) => (count > 0 ? [slice + 1] : []));
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}–${last}`)).join(", ");
}
