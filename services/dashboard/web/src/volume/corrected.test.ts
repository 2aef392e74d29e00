import { expect, test } from "vitest";

import type { Mask } from "../api/masks";
import type { Finding } from "../api/types";
import { correctedAnswers } from "./corrected";
import type { Structure } from "./structures";

const structures: Structure[] = [
  { number: 1, name: "anterior", laterality: "L", colour: [0, 0, 0] },
  { number: 2, name: "posterior", laterality: "L", colour: [0, 0, 0] },
];
const findings = [{ label: "anterior", laterality: "L", value: 2.33 }] as unknown as Finding[];
const modelled = new Map([[1, 2290]]);

function saved(anterior: number, posterior = 0): Pick<Mask, "volumes"> {
  return {
    volumes: [
      { label: "anterior", laterality: "L", value: anterior / 1000, voxels: anterior },
      { label: "posterior", laterality: "L", value: posterior / 1000, voxels: posterior },
    ],
  };
}

test("an outline that grew never tells a smaller volume than the machine, though fewer millilitres are counted", () => {
  expect(correctedAnswers(saved(2310), structures, modelled, findings)).toEqual({ "anterior/L": "2.35" });
});

test("one that was wiped out holds nothing, and one that the machine did not measure is what was counted", () => {
  expect(correctedAnswers(saved(0, 12), structures, modelled, findings)).toEqual({
    "anterior/L": "0.00",
    "posterior/L": "0.01",
  });
});

test("a change too small for the digits that are shown has more, since what reads as the machine's stands for it", () => {
  expect(correctedAnswers(saved(2291), structures, modelled, findings)).toEqual({ "anterior/L": "2.3310" });
});

test("a structure that was left alone is not answered", () => {
  expect(correctedAnswers(saved(2290), structures, modelled, findings)).toEqual({});
});
