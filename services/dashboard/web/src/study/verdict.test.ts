import { describe, expect, test } from "vitest";

import type { Finding, Result, Review } from "../api/types";
import { t } from "../text/messages";
import {
  BLANK,
  keptDraft,
  machineAnswers,
  missing,
  reasonsFor,
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
  pipeline: "retinopathy",
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
  mask_id: null,
  standing: true,
  undo_until: null,
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
    const answers = machineAnswers(result);
    expect(missing({ ...BLANK, verdict: "edit", answers }, result)).toBe(t.review.missing.change);
    expect(missing({ ...BLANK, verdict: "edit", answers: { ...answers, "dr_grade/R": "3" } }, result)).toBeNull();
    expect(missing({ ...BLANK, verdict: "edit", answers: {} }, result)).toBe(t.review.missing.grades);
  });
});

test("an accepted result carries no findings and an empty comment is no comment", () => {
  const draft = { ...BLANK, verdict: "accept" as const, comment: "  ", answers: machineAnswers(result) };
  expect(toReview(draft, "sign", result, null, ["older", result.id])).toEqual({
    action: "sign",
    verdict: "accept",
    reason: null,
    findings: [],
    comment: null,
    base_review_id: null,
    mask_id: null,
    seen_result_ids: ["older", result.id],
  });
});

test("reasons are offered only with the verdicts they go with", () => {
  const reasons = [
    { code: "grade_too_low", sentence: "", verdicts: ["edit" as const], pipelines: ["retinopathy"] },
    { code: "artefact", sentence: "", verdicts: ["reject" as const], pipelines: [] },
  ];
  expect(reasonsFor(reasons, "reject", "retinopathy").map((one) => one.code)).toEqual(["artefact"]);
  expect(reasonsFor(reasons, null, "retinopathy")).toEqual([]);
});

test("reasons about outlines are offered for volumes and for an added model, not for grades", () => {
  const reasons = [{ code: "outline_wrong", sentence: "", verdicts: ["edit" as const], pipelines: ["segmentation"] }];
  const offered = (pipeline: string): number => reasonsFor(reasons, "edit", pipeline).length;
  expect([offered("segmentation"), offered("spleen_ct"), offered("retinopathy"), offered("reconstruction")]).toEqual([
    1, 1, 0, 0,
  ]);
});

test("a draft's numbers come back as they were typed, and the machine's as the machine shows them", () => {
  const volume = { ...grade("R", 0), label: "anterior", value: 1.6234, unit: "ml" };
  const volumes = {
    ...result,
    pipeline: "segmentation",
    findings: [volume, { ...volume, label: "posterior", value: 1.2 }],
  } as Result;
  const findings = [
    { code: volume.code, label: "anterior", value: 1.6234, laterality: "R" as const },
    { code: volume.code, label: "posterior", value: 1.625, laterality: "R" as const },
  ];
  const draft = review({ action: "draft", verdict: "edit", findings, standing: false });
  expect(keptDraft([draft], "ann", volumes).answers).toEqual({ "anterior/R": "1.62", "posterior/R": "1.625" });
});

test("a draft is taken up again by its writer alone", () => {
  const draft = review({ action: "draft", verdict: "reject", reason: "artefact", comment: "dust", standing: false });
  expect(keptDraft([draft], "ann", result)).toEqual({
    verdict: "reject",
    reason: "artefact",
    comment: "dust",
    answers: {},
    maskId: null,
  });
  expect(keptDraft([draft], "bob", result)).toEqual(BLANK);
});

test("a draft that was signed since is not taken up again", () => {
  expect(keptDraft([review({ action: "draft" }), review({ number: 2 })], "ann", result)).toEqual(BLANK);
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
