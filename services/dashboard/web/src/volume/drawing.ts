/** An outline while a reader corrects it: a brush that stays in its slice, undo and redo, and what each structure holds. */
import { inside, placeOf, type Triple } from "./grid";

/** 0: sagittal slices, 1: coronal ones, 2: axial ones; the axis that a slice is across. */
export type Axis = 0 | 1 | 2;
/** What one stroke changed: places of voxels, what they held, what they hold. */
type Stroke = { places: number[]; before: number[]; after: number };

export type Drawing = {
  readonly size: Triple;
  readonly spacing: Triple;
  /** Changed in place: a head has millions of voxels. */
  readonly labels: Uint8Array;
  /** How many voxels hold each label. */
  readonly counts: Uint32Array;
  readonly done: Stroke[];
  readonly undone: Stroke[];
};

const LABELS = 256;

export function drawingOf(size: Triple, spacing: Triple, labels: Uint8Array): Drawing {
  return { size, spacing, labels, counts: countsOf(labels), done: [], undone: [] };
}

/** Nearly all of a head is outside every structure: four voxels without a label are counted at once. */
function countsOf(labels: Uint8Array): Uint32Array {
  const counts = new Uint32Array(LABELS);
  const fours = new Uint32Array(labels.buffer, labels.byteOffset, Math.floor(labels.length / 4));
  const count = (place: number): void => {
    const label = labels[place] ?? 0;
    counts[label] = (counts[label] ?? 0) + 1;
  };
  let empty = 0;
  for (let four = 0; four < fours.length; four += 1) {
    if (fours[four] === 0) empty += 4;
    else for (let place = 4 * four; place < 4 * four + 4; place += 1) count(place);
  }
  for (let place = 4 * fours.length; place < labels.length; place += 1) count(place);
  counts[0] = (counts[0] ?? 0) + empty;
  return counts;
}

/** A new stroke begins: what follows is undone with it. */
export function begin(drawing: Drawing, label: number): void {
  drawing.done.push({ places: [], before: [], after: label });
  drawing.undone.length = 0;
}

/** A round dab of the present stroke, `radius` mm around a voxel and in its slice alone. Erasing is painting 0. */
export function dab(drawing: Drawing, centre: Triple, axis: Axis, radius: number): void {
  const stroke = drawing.done.at(-1);
  if (stroke === undefined) return;
  for (const place of reached(drawing, centre, axis, radius)) {
    const held = drawing.labels[place] ?? 0;
    if (held === stroke.after) continue;
    stroke.places.push(place);
    stroke.before.push(held);
    hold(drawing, place, stroke.after);
  }
}

/** Dabs from one voxel to another, close enough to leave no gap. */
export function drag(drawing: Drawing, from: Triple, to: Triple, axis: Axis, radius: number): void {
  const steps = Math.max(1, ...from.map((start, at) => Math.abs((to[at] ?? 0) - start)));
  for (let step = 1; step <= steps; step += 1) {
    const along = (at: 0 | 1 | 2): number => from[at] + ((to[at] - from[at]) * step) / steps;
    dab(drawing, inside(drawing.size, [along(0), along(1), along(2)]), axis, radius);
  }
}

/** Whether there was something to take back. */
export function undo(drawing: Drawing): boolean {
  const stroke = drawing.done.pop();
  if (stroke === undefined) return false;
  // Backwards, should a stroke ever hold a place twice.
  for (let at = stroke.places.length - 1; at >= 0; at -= 1) hold(drawing, stroke.places[at] ?? 0, stroke.before[at] ?? 0);
  drawing.undone.push(stroke);
  return true;
}

/** Whether there was something to do again. */
export function redo(drawing: Drawing): boolean {
  const stroke = drawing.undone.pop();
  if (stroke === undefined) return false;
  for (const place of stroke.places) hold(drawing, place, stroke.after);
  drawing.done.push(stroke);
  return true;
}

function hold(drawing: Drawing, place: number, label: number): void {
  const { labels, counts } = drawing;
  const held = labels[place] ?? 0;
  counts[held] = (counts[held] ?? 0) - 1;
  counts[label] = (counts[label] ?? 0) + 1;
  labels[place] = label;
}

/** The voxels of a slice within `radius` mm of its voxel `centre`; that one at least. */
function reached({ size, spacing }: Drawing, centre: Triple, axis: Axis, radius: number): number[] {
  const [across, along] = ([0, 1, 2] as const).filter((one) => one !== axis) as [Axis, Axis];
  const reach = (one: Axis): number => Math.floor(radius / spacing[one]);
  const places: number[] = [];
  for (let a = -reach(across); a <= reach(across); a += 1) {
    for (let b = -reach(along); b <= reach(along); b += 1) {
      if (Math.hypot(a * spacing[across], b * spacing[along]) > radius) continue;
      const voxel: [number, number, number] = [...centre];
      voxel[across] += a;
      voxel[along] += b;
      if (voxel.every((at, one) => at >= 0 && at < (size[one] ?? 0))) places.push(placeOf(size, voxel));
    }
  }
  return places;
}
