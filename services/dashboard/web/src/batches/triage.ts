/** Going through what a batch changed: which changes are done with, and which this browser has seen. */
import type { Change } from "../api/overnight";

const STORED = "overread.seen.";
/** More changes than anybody goes through of one batch; the oldest are forgotten first. */
const MOST_KEPT = 5000;

/** Nobody has to look at it any more: a reader signed after it, so the worklist does not mark it. */
export const isSettled = (change: Change): boolean => change.worklist !== null && !change.worklist.marked;

export function seenOf(batchId: string): ReadonlySet<string> {
  return new Set((localStorage.getItem(STORED + batchId) ?? "").split(" ").filter(Boolean));
}

export function keepSeen(batchId: string, seen: ReadonlySet<string>): void {
  localStorage.setItem(STORED + batchId, [...seen].slice(-MOST_KEPT).join(" "));
}

export function toggled(seen: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(seen);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** Where to go on after one is done with: the next that is neither seen nor settled, else stay. */
export function nextToSee(changes: readonly Change[], seen: ReadonlySet<string>, at: string | null): string | null {
  const from = changes.findIndex((change) => change.id === at);
  const later = changes.slice(from + 1).find((change) => !seen.has(change.id) && !isSettled(change));
  return later?.id ?? at;
}
