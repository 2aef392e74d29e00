/** Where a reader goes after a signature, and whether at once: kept in this browser for whoever reads here. */
import { useSyncExternalStore } from "react";

const STORED = "overread.goOn";
const listeners = new Set<() => void>();

export function goesOn(): boolean {
  return localStorage.getItem(STORED) !== "off";
}

export function setGoesOn(goes: boolean): void {
  localStorage.setItem(STORED, goes ? "on" : "off");
  for (const listener of listeners) listener();
}

export function useGoesOn(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, goesOn);
}

type Row = { id: string; review_state: string; waits_for_another: boolean };

/** The next study of the list, from here on and round, that holds something this reader can decide; null where none does. */
export function nextToRead(rows: readonly Row[], id: string): string | null {
  const place = rows.findLastIndex((row) => row.id === id);
  const round = [...rows.slice(place + 1), ...rows.slice(0, Math.max(place, 0))];
  return round.find((row) => row.id !== id && row.review_state !== "signed" && !row.waits_for_another)?.id ?? null;
}
