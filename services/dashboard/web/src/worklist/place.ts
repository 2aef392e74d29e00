/** Where the reader stood in the list, kept while the page is left for a study and come back to. */
import type { VirtualItem } from "@tanstack/react-virtual";

/** `index` is where the cursor stood, should its row have left the list meanwhile. */
export type ListPlace = { cursor: string | null; index: number; offset: number; heights: VirtualItem[]; search: string };

const TOP: ListPlace = { cursor: null, index: 0, offset: 0, heights: [], search: "" };

let kept: ListPlace = TOP;

export const keptPlace = (): ListPlace => kept;

export function keepPlace(place: ListPlace): void {
  kept = place;
}

/** Another person logs in: where the last one stood, and what they looked for, is nobody else's business. */
export function forgetPlace(): void {
  kept = TOP;
}

/** The row the cursor stands on: its own, or the one that has come into its place. */
export function standing(
  rows: readonly { row_id: string }[],
  cursor: string | null,
  index: number,
): { id: string | null; index: number } {
  const found = rows.findIndex((row) => row.row_id === cursor);
  const at = found >= 0 ? found : Math.min(index, rows.length - 1);
  return { id: rows[at]?.row_id ?? null, index: Math.max(0, at) };
}
