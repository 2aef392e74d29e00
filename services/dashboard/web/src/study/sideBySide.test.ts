import { expect, test } from "vitest";

import type { Finding, Result, Review } from "../api/types";
import { said } from "./sideBySide";

const finding = (label: string, value: number, laterality: "R" | "L" | null): Finding =>
  ({ label, value, laterality, unit: null, code: { scheme: "SCT", value: "1", meaning: label } }) as Finding;
const result = {
  findings: [finding("dr_grade", 2, null), finding("dr_grade", 2, "L"), finding("referable_dr", 0.8, null)],
} as Result;
const word = (part: Partial<Review>): Review => ({ verdict: "accept", findings: [], ...part }) as Review;

test("an edit is laid over what the machine said, line by line", () => {
  const lines = said(result, [word({}), word({ verdict: "edit", findings: [finding("dr_grade", 3, "L")] })]);
  expect(lines.map((line) => line.values)).toEqual([
    [2, 2, 2],
    [2, 2, 3],
  ]);
  expect(lines.map((line) => line.differ)).toEqual([false, true]);
});

test("who rejects the result gives no finding, and a finding of one reader alone has a line", () => {
  const lines = said(result, [
    word({ verdict: "reject" }),
    word({ verdict: "edit", findings: [finding("dme_risk", 1, "L")] }),
  ]);
  expect(lines.map((line) => line.values)).toEqual([
    [2, null, 2],
    [2, null, 2],
    [null, null, 1],
  ]);
});
