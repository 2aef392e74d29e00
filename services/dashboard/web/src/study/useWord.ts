/** The reader's word while it is being written: what is chosen and typed, what is missing, and how it is sent. */
import { useRef, useState } from "react";

import { ApiError } from "../api/client";
import { named, useReview, type Sent } from "../api/reviews";
import type { Me, Result, Review, ReviewAction, Slot } from "../api/types";
import { useOffers } from "./offers";
import { signingAction } from "./signers";
import { dropUnsaved, keepUnsaved, placeOf, unsaved } from "./unsaved";
import { BLANK, keptDraft, missing, toReview, unreadReview, type Draft } from "./verdict";

export type Written = { review: Review; place: string; draft: Draft };

type Props = {
  me: Me;
  result: Result;
  reviews: readonly Review[];
  slot: Slot | null;
  /** The results of the question that its reader was shown. */
  seenResults: ReadonlySet<string>;
  /** Told of a signature, not of a draft. */
  signed: (written: Written) => void;
};

export function useWord({ me, result, reviews, slot, seenResults, signed }: Props) {
  const newest = reviews.at(-1);
  const place = placeOf(me.user_id, result.slot_id);
  const [draft, setDraft] = useState<Draft>(() => unsaved(place) ?? keptDraft(reviews, me.user_id, result));
  // A word is written on top of what its writer has read, not on top of what arrived in the meantime.
  const [seen, setSeen] = useState(newest?.number ?? 0);
  const [saved, setSaved] = useState<ReviewAction | null>(null);
  // What was sent and never answered: it may have arrived, so that it is sent again as it was.
  const [unanswered, setUnanswered] = useState<Sent | null>(null);
  const send = useReview(result.study_id, result.id);
  // Two presses may come before the page is drawn again and says that it is sending.
  const sending = useRef(false);
  const unread = unreadReview(reviews, seen, me.user_id);
  const lacking = missing(draft, result);
  useOffers(place, (offered) => {
    setSaved(null);
    setUnanswered(null);
    setDraft(offered);
  });

  const change = (part: Partial<Draft>): void => {
    setSaved(null);
    setUnanswered(null);
    setDraft({ ...draft, ...part });
    keepUnsaved(place, { ...draft, ...part });
  };
  const write = (as: ReviewAction | null): void => {
    if (as === null || sending.current || unread !== null || (as !== "draft" && lacking !== null)) return;
    sending.current = true;
    const sent = unanswered ?? named(toReview(draft, as, result, newest?.id ?? null, seenResults));
    send.mutate(sent, {
      onSuccess: (review) => {
        setUnanswered(null);
        setSeen(review.number);
        setSaved(review.action);
        dropUnsaved(place);
        if (review.action === "draft") return;
        setDraft(BLANK);
        signed({ review, place, draft });
      },
      onError: (error) => setUnanswered(error instanceof ApiError && error.status === 0 ? sent : null),
      onSettled: () => {
        sending.current = false;
      },
    });
  };
  return {
    draft,
    change,
    lacking,
    unread,
    readIt: () => setSeen(newest?.number ?? 0),
    action: unanswered?.body.action ?? signingAction(result, reviews, me.user_id, slot),
    write,
    saved,
    busy: send.isPending,
    error: send.error,
  };
}

export type Word = ReturnType<typeof useWord>;
