/** Going through what a batch changed: what is done with, where the reader is, what a mark does to a list. */
import type { ChangesPage } from "../api/looks";
import type { Change } from "../api/overnight";

/** The change that is shown, and its place: it stays shown where the list drops it meanwhile. */
export type Place = { change: Change; index: number };

/** A reader signed after it, so the worklist does not mark it any more. */
export const isSettled = (change: Change): boolean => change.worklist !== null && !change.worklist.marked;

/** Nobody has to look at it any more. */
export const isDone = (change: Change): boolean => change.seen !== null || isSettled(change);

/** The change as the list has it now. A list without it leaves it as it was, so that no key means another study. */
export function placeNow(changes: readonly Change[], at: Place): Place {
  const index = changes.findIndex((change) => change.id === at.change.id);
  const change = changes[index];
  return change === undefined ? { ...at, index: Math.min(at.index, changes.length) } : { change, index };
}

/** One on or back; out of a place that the list has dropped, what followed is the next. */
export function stepped(changes: readonly Change[], at: Place, by: 1 | -1): Place {
  const to = by < 0 ? at.index - 1 : behind(changes, at);
  return placeAt(changes, Math.min(changes.length - 1, Math.max(0, to)), at);
}

/** Where to go on after one is done with: the next that nobody is done with, else stay. */
export function nextToSee(changes: readonly Change[], at: Place): Place {
  const from = behind(changes, at);
  return placeAt(
    changes,
    changes.findIndex((change, index) => index >= from && !isDone(change)),
    at,
  );
}

function behind(changes: readonly Change[], at: Place): number {
  return changes[at.index]?.id === at.change.id ? at.index + 1 : at.index;
}

function placeAt(changes: readonly Change[], index: number, otherwise: Place): Place {
  const change = changes[index];
  return change === undefined ? otherwise : { change, index };
}

/** A page of the list after a mark was set on one of its changes or taken off it. */
export function withMark(page: ChangesPage, was: Change, seen: Change["seen"]): ChangesPage {
  const by = Number(seen !== null) - Number(was.seen !== null);
  const { looked } = page;
  return {
    ...page,
    items: page.items.map((item) => (item.id === was.id ? { ...item, seen } : item)),
    looked: { ...looked, seen: looked.seen + by, left: looked.left - (isSettled(was) ? 0 : by) },
  };
}
