import { expect, test } from "vitest";

import type { Prior } from "../api/pictures";
import type { Result } from "../api/types";
import { day, dayHere } from "../text/format";
import { dayText, gradesOf, signedGrade, visitAfter, withPhotographs } from "./visits";

function prior(id: string, grade: number | null, more: Partial<Prior> = {}): Prior {
  const signed = grade === null ? [] : [{ pipeline: "retinopathy", label: "dr_grade", laterality: "L", value: grade }];
  const known = { id, modality: "OP", study_date: "2024-03-01", created_at: "2026-01-01T00:00:00Z", erased_at: null };
  return { ...known, signed, ...more } as unknown as Prior;
}

const today = { findings: [{ label: "dr_grade", laterality: "L", value: 3 }] } as unknown as Result;

test("grades run from the first visit to today's, which is the machine's", () => {
  const points = gradesOf([prior("b", 2, { study_date: "2025-03-01" }), prior("a", 1)], today, "L");
  expect(points).toEqual([
    { date: day("2024-03-01"), grade: 1, signed: true },
    { date: day("2025-03-01"), grade: 2, signed: true },
    { date: null, grade: 3, signed: false },
  ]);
});

test("a visit whose day nobody knows says when its images were sent", () => {
  expect(dayText(prior("a", 1, { study_date: null }))).toBe(`sent ${dayHere("2026-01-01T00:00:00Z")}`);
});

test("a visit that nobody signed has no grade, and another eye's is not taken for this one's", () => {
  expect(gradesOf([prior("a", null)], today, "L")).toHaveLength(1);
  expect(signedGrade(prior("a", 2), "R")).toBeNull();
});

test("visits without photographs, or whose images are removed, are not offered", () => {
  const priors = [prior("a", 1), prior("b", 1, { modality: "MR" }), prior("c", 1, { erased_at: "2026-01-02T00:00:00Z" })];
  expect(withPhotographs(priors).map((one) => one.id)).toEqual(["a"]);
});

test("the visits are gone through one by one, then none is shown", () => {
  const visits = [prior("a", 1), prior("b", 1)];
  expect(visitAfter(visits, null)).toBe("a");
  expect(visitAfter(visits, "a")).toBe("b");
  expect(visitAfter(visits, "b")).toBeNull();
  expect(visitAfter([], null)).toBeNull();
});
