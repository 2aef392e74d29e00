/** A blind word that was begun and not said, kept in this browser tab until it is said or the reader logs out. */
import { placeOf } from "../study/unsaved";
import { BLANK, type Draft } from "./word";

const KIND = "blind";

function place(userId: string | null, slotId: string): string {
  return `${placeOf(userId, slotId)}.${KIND}`;
}

export function keptWord(userId: string | null, slotId: string): Draft {
  const stored = sessionStorage.getItem(place(userId, slotId));
  // Only this file writes there, and a tab keeps its version of it until it is loaded again.
  return stored === null ? BLANK : { ...BLANK, ...(JSON.parse(stored) as Partial<Draft>) };
}

export function keepWord(userId: string | null, slotId: string, draft: Draft): void {
  sessionStorage.setItem(place(userId, slotId), JSON.stringify(draft));
}

export function dropWord(userId: string | null, slotId: string): void {
  sessionStorage.removeItem(place(userId, slotId));
}
