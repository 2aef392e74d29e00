import { expect, test } from "vitest";

import type { Result } from "../api/types";
import { hasFlags, pairAfter, pairsOf, wiped } from "./comparison";

const withFiles = (...names: string[]): Result =>
  ({ artifacts: names.map((name) => ({ name, bytes: 1000 })) }) as unknown as Result;

test("only what has its files is compared", () => {
  expect(pairsOf(withFiles("zero_filled.nii.gz", "reconstruction.nii.gz", "residual.nii.gz"))).toEqual(["image", "residual"]);
  expect(pairsOf(withFiles("reconstruction.nii.gz"))).toEqual([]);
  expect(hasFlags(withFiles("unsupported.nii.gz"))).toBe(true);
});

test("a file that could fill the browser's memory is not opened", () => {
  const files = [{ name: "zero_filled.nii.gz", bytes: 1e9 }, { name: "reconstruction.nii.gz", bytes: 1e9 }];
  expect(pairsOf({ artifacts: files } as unknown as Result)).toEqual([]);
});

test("the pairs follow one another in a round", () => {
  expect(pairAfter(["image", "residual"], "image")).toBe("residual");
  expect(pairAfter(["image", "residual"], "residual")).toBe("image");
});

test("the wipe stays within the picture", () => {
  expect(wiped(0.5, 0.05)).toBe(0.55);
  expect(wiped(0.98, 0.05)).toBe(1);
  expect(wiped(0, -0.05)).toBe(0);
});
