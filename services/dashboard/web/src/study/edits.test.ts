import { describe, expect, test } from "vitest";

import type { Finding, Laterality, Result } from "../api/types";
import { editedValues, fieldsOf, valueOf, type Field } from "./edits";
import { BLANK, machineAnswers, missing } from "./verdict";
import { t } from "../text/messages";

const made = (
  label: string,
  value: Finding["value"],
  laterality: Laterality | null,
  part: Partial<Finding> = {},
): Finding => ({
  code: { scheme: "99OVR", value: label, meaning: label },
  label,
  value,
  unit: null,
  probabilities: null,
  interval: null,
  laterality,
  ...part,
});

const result = (pipeline: string, findings: Finding[]): Result => ({ pipeline, findings }) as unknown as Result;
const ml = { unit: "ml" };

const eyes = result("retinopathy", [made("dr_grade", 1, "R"), made("dr_grade", 2, "L"), made("dr_grade", 2, null)]);
const both = result("segmentation", [
  made("anterior", 1.6234, "R", ml),
  made("posterior", 1.4, "R", ml),
  made("hippocampus", 3.0234, "R", ml),
  made("anterior", 1.5, "L", ml),
  made("posterior", 1.3, "L", ml),
  made("hippocampus", 2.8, "L", ml),
  made("asymmetry", -7.7, null, { unit: "%" }),
]);

function fieldAt(of: Result, key: string): Field {
  const found = fieldsOf(of).find((field) => field.key === key);
  if (found === undefined) throw new Error(`no field ${key}`);
  return found;
}

describe("an edit of grades", () => {
  test("begins with the machine's grades of each eye", () => {
    expect(machineAnswers(eyes)).toEqual({ "dr_grade/R": "1", "dr_grade/L": "2" });
  });

  test("gives the patient the worse eye's grade", () => {
    expect(editedValues(eyes, { "dr_grade/R": "4", "dr_grade/L": "2" })).toEqual([
      { label: "dr_grade", value: 4, laterality: "R" },
      { label: "dr_grade", value: 2, laterality: "L" },
      { label: "dr_grade", value: 4, laterality: null },
    ]);
  });

  test("of a photograph without a side is an edit of the patient's finding, given once", () => {
    const sideless = result("retinopathy", [made("dr_grade", 2, null)]);
    expect(editedValues(sideless, { "dr_grade/": "3" })).toEqual([{ label: "dr_grade", value: 3, laterality: null }]);
  });
});

describe("an edit of volumes", () => {
  test("begins with the parts as they are shown, and untouched ones keep all their digits", () => {
    expect(machineAnswers(both)["anterior/R"]).toBe("1.62");
    expect(editedValues(both, machineAnswers(both))[0]?.value).toBe(1.6234);
  });

  test("lets the totals and the asymmetry follow from the parts", () => {
    const edited = editedValues(both, { ...machineAnswers(both), "anterior/R": "1.4" });
    expect(edited.filter((one) => one.label !== "anterior" && one.label !== "posterior")).toEqual([
      { label: "hippocampus", value: 2.8, laterality: "R" },
      { label: "hippocampus", value: 2.8, laterality: "L" },
      { label: "asymmetry", value: 0, laterality: null },
    ]);
  });

  test("takes a decimal comma and refuses what is no number", () => {
    const field = fieldAt(both, "anterior/R");
    expect([valueOf(field, " 1,5 "), valueOf(field, "1.5 ml"), valueOf(field, ""), valueOf(field, "1.")]).toEqual([
      1.5,
      null,
      null,
      null,
    ]);
    const answers = { ...machineAnswers(both), "anterior/R": "much" };
    expect(missing({ ...BLANK, verdict: "edit", answers }, both)).toBe(t.review.missing.numbers);
  });

  test("of one hippocampus of unknown side gives its total and no asymmetry", () => {
    const one = result("segmentation", [
      made("anterior", 1.5, null, ml),
      made("posterior", 1.2, null, ml),
      made("hippocampus", 2.7, null, ml),
    ]);
    expect(editedValues(one, { "anterior/": "1.6", "posterior/": "1.20" }).at(-1)).toEqual({
      label: "hippocampus",
      value: 2.8,
      laterality: null,
    });
  });
});

test("a reconstruction has no value to correct", () => {
  expect(fieldsOf(result("reconstruction", [made("acceleration", 4, null)]))).toEqual([]);
});

test("an added model's numbers are typed and its classes are chosen", () => {
  const bundle = result("spleen_ct", [
    made("spleen", 201.4, null, ml),
    made("density", "B", null, { probabilities: { A: 0.1, B: 0.9 } }),
    made("note", "free text", null),
  ]);
  expect(fieldsOf(bundle).map((field) => [field.finding.label, field.choices])).toEqual([
    ["spleen", null],
    ["density", ["A", "B"]],
  ]);
  expect(valueOf(fieldAt(bundle, "density/"), "A")).toBe("A");
});
