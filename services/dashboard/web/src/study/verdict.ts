/** What a reader is about to say of a result, and whether it is complete. */
import type { EditedFinding, NewReview, Reason, Result, Review, ReviewAction, Verdict } from "../api/types";
import { t } from "../text/messages";
import { editedValues, fieldKey, fieldsOf, valueOf, type Answers, type Field } from "./edits";
import { kindOf } from "./kinds";

/** `maskId` is the corrected outline that an edit goes with. */
export type Draft = {
  verdict: Verdict | null;
  reason: string;
  comment: string;
  answers: Answers;
  maskId: string | null;
};

export const BLANK: Draft = { verdict: null, reason: "", comment: "", answers: {}, maskId: null };

/** Where an edit begins: at what the machine said. */
export function machineAnswers(result: Result): Answers {
  return Object.fromEntries(fieldsOf(result).map((field) => [field.key, field.begin]));
}

/** What is still missing before the word can be signed, as a sentence; null where nothing is. */
export function missing(draft: Draft, result: Result): string | null {
  if (draft.verdict === null) return t.review.missing.verdict;
  if (draft.verdict === "reject" && draft.reason === "") return t.review.missing.reason;
  return draft.verdict === "edit" ? missingOfEdit(fieldsOf(result), draft.answers) : null;
}

function missingOfEdit(fields: readonly Field[], answers: Answers): string | null {
  const values = fields.map((field) => valueOf(field, answers[field.key] ?? ""));
  const unset = fields.find((_, place) => values[place] === null);
  if (unset !== undefined) return unset.choices === null ? t.review.missing.numbers : t.review.missing.grades;
  return fields.every((field, place) => values[place] === field.finding.value) ? t.review.missing.change : null;
}

/** The reasons that go with a verdict on this pipeline's results; an added model's are offered as those of an outline. */
export function reasonsFor(reasons: readonly Reason[], verdict: Verdict | null, pipeline: string): Reason[] {
  const meantFor = kindOf(pipeline) === "findings" ? "segmentation" : pipeline;
  return verdict === null
    ? []
    : reasons.filter(
        (reason) =>
          reason.verdicts.includes(verdict) && (reason.pipelines.length === 0 || reason.pipelines.includes(meantFor)),
      );
}

export function standingReview(reviews: readonly Review[]): Review | null {
  return reviews.find((review) => review.standing) ?? null;
}

/** The newest word of another reader that came after what this one has seen (`seen` is its number, 0 for none). */
export function unreadReview(reviews: readonly Review[], seen: number, userId: string | null): Review | null {
  return reviews.filter((review) => review.number > seen && review.user.id !== userId).at(-1) ?? null;
}

/** `base` is the newest review that its reader has read, `seen` the results that were shown beside this one. */
export function toReview(
  draft: Draft,
  action: ReviewAction,
  result: Result,
  base: string | null,
  seen: Iterable<string>,
): NewReview {
  const isEdit = draft.verdict === "edit";
  return {
    action,
    verdict: draft.verdict,
    reason: draft.reason === "" ? null : draft.reason,
    findings: isEdit ? editedValues(result, draft.answers) : [],
    comment: draft.comment.trim() === "" ? null : draft.comment,
    base_review_id: base,
    mask_id: isEdit ? draft.maskId : null,
    seen_result_ids: [...new Set([...seen, result.id])],
  };
}

/** Where the reader left off: their own newest draft, unless something was signed since. */
export function keptDraft(reviews: readonly Review[], userId: string | null, result: Result): Draft {
  const newest = reviews.at(-1);
  if (newest === undefined || newest.action !== "draft" || newest.user.id !== userId) return BLANK;
  return draftOf(newest, result);
}

/** A word that was written, as it stood in the form. */
export function draftOf(review: Review, result: Result): Draft {
  return {
    verdict: review.verdict,
    reason: review.reason ?? "",
    comment: review.comment ?? "",
    answers: answersOf(review.findings, result),
    maskId: review.mask_id,
  };
}

/** What was typed, as it was typed; a value the reader left alone reads as the machine's again. */
function answersOf(findings: readonly EditedFinding[], result: Result): Answers {
  const begin = new Map(fieldsOf(result).map((field) => [field.key, field]));
  return Object.fromEntries(
    findings.map((one) => {
      const field = begin.get(fieldKey(one.label, one.laterality ?? null));
      const text = field?.finding.value === one.value ? field.begin : String(one.value ?? "");
      return [fieldKey(one.label, one.laterality ?? null), text];
    }),
  );
}
