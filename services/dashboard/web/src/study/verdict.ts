/** What a reader is about to say of a result, and whether it is complete. */
import type { EditedFinding, Laterality, NewReview, Reason, Result, Review, ReviewAction, Verdict } from "../api/types";
import { t } from "../text/messages";
import { eyesOf, finding } from "./photographs";

/** Grades a reader may set: label -> the values there are. ICDR 0-4; DME risk 0-2. */
export const EDITABLE = { dr_grade: [0, 1, 2, 3, 4], dme_risk: [0, 1, 2] } as const;
export type EditableLabel = keyof typeof EDITABLE;

export type Grades = Readonly<Record<string, number>>;
export type Draft = { verdict: Verdict | null; reason: string; comment: string; grades: Grades };

export const BLANK: Draft = { verdict: null, reason: "", comment: "", grades: {} };

export function gradeKey(label: string, laterality: Laterality | null): string {
  return `${label}/${laterality ?? ""}`;
}

/** The questions an edit may answer: each editable label of each eye the result speaks of. */
export function editable(result: Result): { label: EditableLabel; laterality: Laterality | null }[] {
  return eyesOf(result).flatMap((laterality) =>
    (Object.keys(EDITABLE) as EditableLabel[])
      .filter((label) => finding(result, label, laterality) !== null)
      .map((label) => ({ label, laterality })),
  );
}

/** The machine's grades, where an edit begins. */
export function machineGrades(result: Result): Grades {
  const pairs = editable(result).flatMap(({ label, laterality }) => {
    const value = finding(result, label, laterality)?.value;
    return typeof value === "number" ? [[gradeKey(label, laterality), value] as const] : [];
  });
  return Object.fromEntries(pairs);
}

/** The findings as the reader leaves them: each eye's, and the patient's as the worst eye's. */
export function editedFindings(result: Result, grades: Grades): NewReview["findings"] {
  const eyes = editable(result).flatMap(({ label, laterality }) => {
    const value = grades[gradeKey(label, laterality)];
    return value === undefined ? [] : [{ label, value, laterality }];
  });
  const patient = (Object.keys(EDITABLE) as EditableLabel[]).flatMap((label) => {
    const values = eyes.filter((one) => one.label === label && one.laterality !== null).map((one) => one.value);
    return values.length > 0 ? [{ label, value: Math.max(...values), laterality: null }] : [];
  });
  return [...eyes, ...patient];
}

/** What is still missing before the word can be signed, as a sentence; null where nothing is. */
export function missing(draft: Draft, result: Result): string | null {
  if (draft.verdict === null) return t.review.missing.verdict;
  if (draft.verdict === "reject" && draft.reason === "") return t.review.missing.reason;
  if (draft.verdict === "edit") {
    const unset = editable(result).some((one) => draft.grades[gradeKey(one.label, one.laterality)] === undefined);
    if (unset) return t.review.missing.grades;
    if (!isChanged(result, draft.grades)) return t.review.missing.change;
  }
  return null;
}

function isChanged(result: Result, grades: Grades): boolean {
  const machine = machineGrades(result);
  return editable(result).some(({ label, laterality }) => {
    const key = gradeKey(label, laterality);
    return grades[key] !== machine[key];
  });
}

export function reasonsFor(reasons: readonly Reason[], verdict: Verdict | null): Reason[] {
  return verdict === null ? [] : reasons.filter((reason) => reason.verdicts.includes(verdict));
}

export function standingReview(reviews: readonly Review[]): Review | null {
  return reviews.find((review) => review.standing) ?? null;
}

/** The newest word of another reader that came after what this one has seen (`seen` is its number, 0 for none). */
export function unreadReview(reviews: readonly Review[], seen: number, userId: string | null): Review | null {
  return reviews.filter((review) => review.number > seen && review.user.id !== userId).at(-1) ?? null;
}

/** How a signature is written: the first is a signature, one's own is amended, another reader's is decided on. */
export function signingAction(result: Result, reviews: readonly Review[], userId: string | null): ReviewAction {
  const standing = standingReview(reviews);
  if (standing === null || standing.result_id !== result.id) return "sign";
  return standing.user.id === userId ? "amend" : "adjudicate";
}

export function toReview(draft: Draft, action: ReviewAction, result: Result, baseReviewId: string | null): NewReview {
  const isEdit = draft.verdict === "edit";
  return {
    action,
    verdict: draft.verdict,
    reason: draft.reason === "" ? null : draft.reason,
    findings: isEdit ? editedFindings(result, draft.grades) : [],
    comment: draft.comment.trim() === "" ? null : draft.comment,
    base_review_id: baseReviewId,
  };
}

/** Where the reader left off: their own newest draft, unless something was signed since. */
export function keptDraft(reviews: readonly Review[], userId: string | null): Draft {
  const newest = reviews.at(-1);
  if (newest === undefined || newest.action !== "draft" || newest.user.id !== userId) return BLANK;
  return {
    verdict: newest.verdict,
    reason: newest.reason ?? "",
    comment: newest.comment ?? "",
    grades: gradesOf(newest.findings),
  };
}

function gradesOf(findings: readonly EditedFinding[]): Grades {
  return Object.fromEntries(
    findings.flatMap((one) =>
      typeof one.value === "number" ? [[gradeKey(one.label, one.laterality ?? null), one.value] as const] : [],
    ),
  );
}
