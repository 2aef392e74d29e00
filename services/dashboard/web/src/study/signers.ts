/** Whose signatures stand on a reading, and what a reader may write there; the server says the same (docs/data.md). */
import type { Result, Review, ReviewAction, Slot } from "../api/types";

/** The signatures that nobody took back, in their order. */
export function signatures(reviews: readonly Review[]): Review[] {
  const stack: Review[] = [];
  for (const review of reviews) {
    if (review.action === "undo") stack.pop();
    else if (review.action !== "draft") stack.push(review);
  }
  return stack;
}

/** The newest standing signature of each reader; an adjudication takes the place of all before it. */
export function words(reviews: readonly Review[]): Review[] {
  const byReader = new Map<string, Review>();
  for (const review of signatures(reviews)) {
    if (review.action === "adjudicate") byReader.clear();
    byReader.set(review.user.id, review);
  }
  return [...byReader.values()];
}

/** Those between whom a third has decided: they write no more, not even on a newer result. */
function overruled(stack: readonly Review[]): ReadonlySet<string> {
  const decided = stack.findLastIndex((review) => review.action === "adjudicate");
  const after = new Set(stack.slice(Math.max(decided, 0)).map((review) => review.user.id));
  return new Set(decided < 0 ? [] : stack.map((review) => review.user.id).filter((id) => !after.has(id)));
}

/** How this reader's next signature is written; null where nothing is left for them to sign. */
export function signingAction(
  result: Result,
  reviews: readonly Review[],
  userId: string | null,
  slot: Slot | null,
): ReviewAction | null {
  const stack = signatures(reviews);
  const newest = stack.at(-1);
  const own = stack.findLast((review) => review.user.id === userId);
  const isNew = own?.result_id !== result.id;
  if (slot?.review_state === "adjudication") return own === undefined ? "adjudicate" : null;
  if (slot?.review_state === "second_read") return isNew ? "sign" : "amend";
  if (slot?.second_read && overruled(stack).has(userId ?? "")) return null;
  const signedThis = stack.some((review) => review.user.id === userId && review.result_id === result.id);
  if (newest === undefined || (newest.result_id !== result.id && !signedThis)) return "sign";
  if (newest.user.id === userId) return "amend";
  return slot?.second_read && own !== undefined ? null : "adjudicate";
}

/** Whether a reading waits for this reader's word. */
export function awaits(reviews: readonly Review[], userId: string | null, slot: Slot | null): boolean {
  if (slot === null) return !reviews.some((review) => review.standing);
  return slot.review_state !== "signed" && !signatures(reviews).some((review) => review.user.id === userId);
}
