/** The reader's word while it is being written: what is chosen and typed, what is missing, and how it is sent. */
import { useState } from "react";

import { useReview } from "../api/queries";
import type { Me, Result, Review, ReviewAction } from "../api/types";
import { dropUnsaved, keepUnsaved, placeOf, unsaved } from "./unsaved";
import { BLANK, keptDraft, missing, signingAction, toReview, unreadReview, type Draft } from "./verdict";

export function useWord(me: Me, result: Result, reviews: readonly Review[]) {
  const newest = reviews.at(-1);
  const place = placeOf(me.user_id, result.slot_id);
  const [draft, setDraft] = useState<Draft>(() => unsaved(place) ?? keptDraft(reviews, me.user_id, result));
  // A word is written on top of what its writer has read, not on top of what arrived in the meantime.
  const [seen, setSeen] = useState(newest?.number ?? 0);
  const [saved, setSaved] = useState<ReviewAction | null>(null);
  const send = useReview(result.study_id, result.id);
  const unread = unreadReview(reviews, seen, me.user_id);
  const lacking = missing(draft, result);

  const change = (part: Partial<Draft>): void => {
    setSaved(null);
    setDraft({ ...draft, ...part });
    keepUnsaved(place, { ...draft, ...part });
  };
  const write = (as: ReviewAction): void => {
    if (send.isPending || unread !== null || (as !== "draft" && lacking !== null)) return;
    send.mutate(toReview(draft, as, result, newest?.id ?? null), {
      onSuccess: (review) => {
        setSeen(review.number);
        setSaved(as);
        dropUnsaved(place);
        if (as !== "draft") setDraft(BLANK);
      },
    });
  };
  return {
    draft,
    change,
    lacking,
    unread,
    readIt: () => setSeen(newest?.number ?? 0),
    action: signingAction(result, reviews, me.user_id),
    write,
    saved,
    busy: send.isPending,
    error: send.error,
  };
}

export type Word = ReturnType<typeof useWord>;
