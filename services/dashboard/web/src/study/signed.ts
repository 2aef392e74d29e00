/** The newest signature of this browser tab: what is needed to take it back while its grace time lasts. */
import { useSyncExternalStore } from "react";

import type { Review } from "../api/types";
import type { Draft } from "./verdict";

export type Signed = {
  review: Review;
  studyId: string;
  patient: string;
  /** The answer that was signed, in a few words; empty where there is none. */
  what: string;
  /** The place of the form it was written in, and what stood there. */
  place: string;
  draft: Draft;
  /** When the grace is over, by this browser's clock. */
  endsAt: number;
};

let signed: Signed | null = null;
const listeners = new Set<() => void>();

export function sayNothing(): void {
  remember(null);
}

/** Null where the signature cannot be taken back at all. */
export function saySigned(made: Omit<Signed, "endsAt">, now: number): void {
  const grace = graceOf(made.review);
  remember(grace > 0 ? { ...made, endsAt: now + grace } : null);
}

/** How long a signature may be taken back, in ms: counted from the answer, since this clock may differ from the server's. */
export function graceOf(review: Pick<Review, "created_at" | "undo_until">): number {
  return review.undo_until === null ? 0 : Date.parse(review.undo_until) - Date.parse(review.created_at);
}

/** Minutes and seconds until then, never below 0. */
export function leftUntil(endsAt: number, now: number): [number, number] {
  const seconds = Math.max(0, Math.ceil((endsAt - now) / 1000));
  return [Math.floor(seconds / 60), seconds % 60];
}

export function useSigned(): Signed | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => signed,
  );
}

function remember(next: Signed | null): void {
  signed = next;
  for (const listener of listeners) listener();
}
