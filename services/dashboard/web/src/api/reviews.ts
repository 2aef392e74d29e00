/** Writing a reader's word, once: a request whose answer was lost is sent again under its own name. */
import { useMutation, useQueryClient, type QueryClient } from "@tanstack/react-query";

import { post } from "./client";
import { newKey } from "./once";
import { keys } from "./queries";
import type { NewReview, Review, StudyDetail } from "./types";

/** After a signature, before lists are asked for again. */
const FOLLOW_MS = 250;

export type Sent = { body: NewReview; once: string };

export function named(body: NewReview): Sent {
  return { body, once: newKey() };
}

export function useReview(studyId: string, resultId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ body, once }: Sent) => post<Review>(`/results/${resultId}/reviews`, body, once),
    onSuccess: (review) => remember(client, studyId, review),
    // The next study's picture comes first, and the lists follow.
    onSettled: () => void setTimeout(() => void refresh(client, studyId), FOLLOW_MS),
  });
}

/** Take a signature back; the newest review of its slot is the signature itself. */
export function useUndo() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ review }: { review: Review; studyId: string }) => {
      const { body, once } = named({
        action: "undo",
        verdict: null,
        reason: null,
        findings: [],
        comment: null,
        base_review_id: review.id,
        mask_id: null,
        seen_result_ids: null,
      });
      return post<Review>(`/results/${review.result_id}/reviews`, body, once);
    },
    onSettled: (_answer, _error, { studyId }) => refresh(client, studyId),
  });
}

/** The word is in the study at once, so that the next one is written on top of it. */
function remember(client: QueryClient, studyId: string, review: Review): void {
  client.setQueryData<StudyDetail>(
    keys.study(studyId),
    (study) => study && { ...study, reviews: withWord(study.reviews, review) },
  );
}

/** A signature is the newest one then; whether those before it still count, the server says a moment later. */
export function withWord(reviews: readonly Review[], review: Review): Review[] {
  const before = reviews.filter((one) => one.id !== review.id);
  if (review.action === "draft") return [...before, review];
  return [...before.map((one) => ({ ...one, standing: false, undo_until: null })), review];
}

function refresh(client: QueryClient, studyId: string): Promise<unknown> {
  return Promise.all([
    client.invalidateQueries({ queryKey: keys.study(studyId) }),
    client.invalidateQueries({ queryKey: keys.worklist }),
  ]);
}
