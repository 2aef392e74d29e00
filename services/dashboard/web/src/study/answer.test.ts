import { expect, test } from "vitest";

import type { Finding, Result } from "../api/types";
import { percent, quantity } from "../text/format";
import { answerParts, signedText } from "./answer";

const grade = (laterality: "R" | "L", value: number | null): Finding => ({
  code: { scheme: "SCT", value: "4855003", meaning: "Retinopathy due to diabetes mellitus" },
  label: "dr_grade",
  value,
  unit: null,
  probabilities: { "0": 0.1, "2": 0.714 },
  interval: null,
  laterality,
});

const result = (part: Partial<Result>): Result =>
  ({ pipeline: "retinopathy", abstained: false, images: [], findings: [], ...part }) as unknown as Result;

test("each eye has its grade with its probability, right first", () => {
  const both = result({ findings: [grade("L", 0), grade("R", 2)] });
  expect(answerParts(both)).toEqual([`OD grade 2 (${percent(0.714)})`, `OS grade 0 (${percent(0.1)})`]);
});

test("an abstention is told without what the model leaned towards", () => {
  expect(answerParts(result({ abstained: true, findings: [grade("R", 2)] }))).toEqual(["No answer"]);
});

test("an eye without a grade, or with one that is not to be relied on, says that it has none", () => {
  const images = [{ laterality: "R", abstained: true }] as unknown as Result["images"];
  expect(answerParts(result({ images, findings: [grade("R", 2), grade("L", null)] }))).toEqual([
    "OD no grade",
    "OS no grade",
  ]);
});

test("volumes are told by side, the whole of each", () => {
  const volume = (label: string, laterality: "R" | "L", value: number): Finding => ({
    ...grade(laterality, value),
    label,
    unit: "ml",
    probabilities: null,
  });
  const findings = [volume("anterior", "R", 1), volume("hippocampus", "L", 2.5), volume("hippocampus", "R", 2.25)];
  expect(answerParts(result({ pipeline: "segmentation", findings }))).toEqual([`Right ${quantity(2.25, "ml")}`, `Left ${quantity(2.5, "ml")}`]);
});

test("a signature names the grade that was accepted, or the values that were corrected, and nothing rejected", () => {
  const one = result({ findings: [grade("R", 2), grade("L", 0)] });
  const edit = [
    { ...grade("R", 3), value: 3 },
    { ...grade("L", 0), value: 0 },
  ];
  expect(signedText({ verdict: "accept", findings: [] }, one)).toBe("OD grade 2, OS grade 0");
  expect(signedText({ verdict: "edit", findings: edit }, one)).toBe("Right eye: Retinopathy grade 3");
  expect(signedText({ verdict: "reject", findings: [] }, one)).toBe("");
});
