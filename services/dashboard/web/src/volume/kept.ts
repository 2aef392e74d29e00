/** Strokes that are not saved yet, kept in this browser tab as what differs from the outline they were drawn on. */
import { PREFIX } from "../study/unsaved";

/** Runs of voxels that hold something else: first place, how many, and their label, three numbers a run. */
export type Kept = { base: string | null; runs: readonly number[] };

export function placeOfStrokes(userId: string | null, resultId: string): string {
  return `${PREFIX}outline.${userId ?? ""}.${resultId}`;
}

export function differenceOf(base: Uint8Array, labels: Uint8Array): number[] {
  const runs: number[] = [];
  let place = 0;
  while (place < labels.length) {
    if (labels[place] === base[place]) {
      place += 1;
      continue;
    }
    const [first, label] = [place, labels[place] ?? 0];
    while (place < labels.length && labels[place] === label && base[place] !== label) place += 1;
    runs.push(first, place - first, label);
  }
  return runs;
}

/** The outline with the runs laid over it; the outline itself stays as it is. */
export function withRuns(base: Uint8Array, runs: readonly number[]): Uint8Array {
  const labels = base.slice();
  for (let at = 0; at + 2 < runs.length; at += 3) {
    const first = runs[at] ?? 0;
    labels.fill(runs[at + 2] ?? 0, first, first + (runs[at + 1] ?? 0));
  }
  return labels;
}

/** What was kept on top of this very outline; null where there is none or it cannot be read. */
export function keptStrokes(place: string, base: string | null): Kept | null {
  const stored = sessionStorage.getItem(place);
  if (stored === null) return null;
  const kept = parsed(stored);
  return kept !== null && kept.base === base ? kept : null;
}

export function parsed(stored: string): Kept | null {
  try {
    const kept = JSON.parse(stored) as Partial<Kept> | null;
    const whole = Array.isArray(kept?.runs) && kept.runs.every((one) => Number.isInteger(one) && one >= 0);
    return whole && (kept.base === null || typeof kept.base === "string") ? (kept as Kept) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Whether there was room for them. */
export function keepStrokes(place: string, kept: Kept): boolean {
  try {
    sessionStorage.setItem(place, JSON.stringify(kept));
    return true;
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}

export function dropStrokes(place: string): void {
  sessionStorage.removeItem(place);
}
