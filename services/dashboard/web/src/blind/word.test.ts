import { describe, expect, it } from "vitest";

import type { Ask } from "../api/blind";
import { BLANK, lacking, toWord, valueOf } from "./word";

const GRADE: Ask = {
  label: "dr_grade",
  name: "Retinopathy",
  laterality: "L",
  kind: "choice",
  choices: [0, 1, 2].map((value) => ({ value, name: `Grade ${value}` })),
  lowest: null,
  highest: null,
  unit: null,
  needed: true,
};
const VOLUME: Ask = {
  ...GRADE,
  label: "hippocampus",
  kind: "number",
  choices: [],
  lowest: 0,
  highest: 20,
  unit: "ml",
  needed: false,
};

const graded = { ...BLANK, answers: { "dr_grade/L": "2" } };

describe("a blind word", () => {
  it("waits for a grade of each eye", () => {
    expect(lacking([GRADE], BLANK)).toBe("choice");
    expect(lacking([GRADE], graded)).toBeNull();
  });

  it("needs no grade of what cannot be graded, and sends none", () => {
    const nothing = { ...graded, ungradable: true };
    expect(lacking([GRADE], nothing)).toBeNull();
    expect(toWord([GRADE], nothing, 3).findings).toEqual([]);
  });

  it("takes a number with a comma, and none outside its limits", () => {
    const typed = (text: string) => ({ ...BLANK, answers: { "hippocampus/L": text } });
    expect(valueOf(VOLUME, typed("3,4"))).toBe(3.4);
    expect(valueOf(VOLUME, typed("30"))).toBeNull();
    expect(lacking([VOLUME], typed("many"))).toBe("number");
    expect(lacking([VOLUME], BLANK)).toBeNull();
  });

  it("says each grade as the number that it is", () => {
    expect(toWord([GRADE], graded, 12.345)).toEqual({
      findings: [{ label: "dr_grade", value: 2, laterality: "L" }],
      ungradable: false,
      comment: null,
      seconds: 12.3,
    });
  });
});
