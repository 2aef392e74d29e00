import { describe, expect, test } from "vitest";

import type { Finding, Result, Review } from "../api/types";
import { t } from "../text/messages";
import {
  BLANK,
  editedFindings,
  keptDraft,
  machineGrades,
  missing,
  reasonsFor,
  signingAction,
  toReview,
  unreadReview,
} from "./verdict";

const grade = (laterality: "R" | "L" | null, value: number): Finding => ({
  code: { scheme: "SCT", value: "4855003", meaning: "Retinopathy due to diabetes mellitus" },
  label: "dr_grade",
  value,
  unit: null,
  probabilities: null,
  interval: null,
  laterality,
});

const result = {
  id: "result-1",
  findings: [grade("R", 1), grade("L", 2), grade(null, 2)],
} as unknown as Result;

const review = (part: Partial<Review>): Review => ({
  id: "review-1",
  result_id: "result-1",
  number: 1,
  user: { id: "ann", name: "Ann" },
  action: "sign",
  verdict: "accept",
  reason: null,
  findings: [],
  comment: null,
  base_review_id: null,
  standing: true,
  created_at: "2026-01-01T00:00:00Z",
  ...part,
});

describe("what is missing before a signature", () => {
  test("a verdict", () => {
    expect(missing(BLANK, result)).toBe(t.review.missing.verdict);
  });

  test("nothing when the reader accepts", () => {
    expect(missing({ ...BLANK, verdict: "accept" }, result)).toBeNull();
  });

  test("a reason when the reader rejects", () => {
    expect(missing({ ...BLANK, verdict: "reject" }, result)).toBe(t.review.missing.reason);
    expect(missing({ ...BLANK, verdict: "reject", reason: "artefact" }, result)).toBeNull();
  });

  test("a changed grade when the reader edits", () => {
    const grades = machineGrades(result);
    expect(missing({ ...BLANK, verdict: "edit", grades }, result)).toBe(t.review.missing.change);
    expect(missing({ ...BLANK, verdict: "edit", grades: { ...grades, "dr_grade/R": 3 } }, result)).toBeNull();
  });
});

describe("an edit", () => {
  test("begins with the machine's grades of each eye", () => {
    expect(machineGrades(result)).toEqual({ "dr_grade/R": 1, "dr_grade/L": 2 });
  });

  test("gives the patient the worse eye's grade", () => {
    expect(editedFindings(result, { "dr_grade/R": 4, "dr_grade/L": 2 })).toEqual([
      { label: "dr_grade", value: 4, laterality: "R" },
      { label: "dr_grade", value: 2, laterality: "L" },
      { label: "dr_grade", value: 4, laterality: null },
    ]);
  });

  test("of a photograph without a side is an edit of the patient's finding, given once", () => {
    const sideless = { ...result, findings: [grade(null, 2)] };
    expect(editedFindings(sideless, { "dr_grade/": 3 })).toEqual([{ label: "dr_grade", value: 3, laterality: null }]);
  });
});

describe("how a signature is written", () => {
  test("the first is a signature", () => {
    expect(signingAction(result, [], "ann")).toBe("sign");
  });

  test("one's own is amended", () => {
    expect(signingAction(result, [review({})], "ann")).toBe("amend");
  });

  test("another reader's is decided on", () => {
    expect(signingAction(result, [review({})], "bob")).toBe("adjudicate");
  });

  test("a newer result beside a signed one is signed afresh", () => {
    expect(signingAction({ ...result, id: "result-2" }, [review({})], "ann")).toBe("sign");
  });
});

test("an accepted result carries no findings and an empty comment is no comment", () => {
  const draft = { ...BLANK, verdict: "accept" as const, comment: "  ", grades: machineGrades(result) };
  expect(toReview(draft, "sign", result, null)).toEqual({
    action: "sign",
    verdict: "accept",
    reason: null,
    findings: [],
    comment: null,
    base_review_id: null,
  });
});

test("reasons are offered only with the verdicts they go with", () => {
  const reasons = [
    { code: "grade_too_low", sentence: "", verdicts: ["edit" as const] },
    { code: "artefact", sentence: "", verdicts: ["reject" as const] },
  ];
  expect(reasonsFor(reasons, "reject").map((one) => one.code)).toEqual(["artefact"]);
  expect(reasonsFor(reasons, null)).toEqual([]);
});

test("a draft is taken up again by its writer alone", () => {
  const draft = review({ action: "draft", verdict: "reject", reason: "artefact", comment: "dust", standing: false });
  expect(keptDraft([draft], "ann")).toEqual({ verdict: "reject", reason: "artefact", comment: "dust", grades: {} });
  expect(keptDraft([draft], "bob")).toEqual(BLANK);
});

test("a draft that was signed since is not taken up again", () => {
  expect(keptDraft([review({ action: "draft" }), review({ number: 2 })], "ann")).toEqual(BLANK);
});

describe("what another reader wrote in the meantime", () => {
  const bobs = review({ id: "review-2", number: 2, user: { id: "bob", name: "Bob" } });

  test("holds a word back until it is read", () => {
    expect(unreadReview([review({}), bobs], 1, "ann")).toBe(bobs);
    expect(unreadReview([review({}), bobs], 2, "ann")).toBeNull();
  });

  test("is not hidden by one's own later word", () => {
    expect(unreadReview([bobs, review({ id: "review-3", number: 3 })], 1, "ann")).toBe(bobs);
  });

  test("is not what one took back oneself", () => {
    expect(unreadReview([review({}), review({ number: 2, action: "undo" })], 1, "ann")).toBeNull();
  });
});
