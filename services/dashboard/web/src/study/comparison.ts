/** What can be held beside what in a reconstruction, and the files that it takes. */
import type { Result } from "../api/types";

/** Files of a reconstruction (pipelines/reconstruction_files.py). */
export const FILES = {
  zero_filled: "zero_filled.nii.gz",
  image: "reconstruction.nii.gz",
  uncertainty: "uncertainty.nii.gz",
  residual: "residual.nii.gz",
} as const;
export const FLAGS = "unsupported.nii.gz";
/** Beyond so many compressed bytes a file is not opened here: decoded it could take the browser's memory. */
const LARGEST_BYTES = 192 * 1024 ** 2;

export type PlaneName = keyof typeof FILES;
export type PairName = "image" | "uncertainty" | "residual";
/** What is shown on the left and on the right of the wipe. */
export const PAIRS: Readonly<Record<PairName, readonly [left: PlaneName, right: PlaneName]>> = {
  image: ["zero_filled", "image"],
  uncertainty: ["image", "uncertainty"],
  residual: ["image", "residual"],
};

/** The pairs that a result has files for, in the order in which they are offered; none where there is nothing to wipe. */
export function pairsOf(result: Result): PairName[] {
  const names = new Set(result.artifacts.filter((one) => one.bytes <= LARGEST_BYTES).map((one) => one.name));
  return (Object.keys(PAIRS) as PairName[]).filter((pair) => PAIRS[pair].every((plane) => names.has(FILES[plane])));
}

export function hasFlags(result: Result): boolean {
  return result.artifacts.some((one) => one.name === FLAGS);
}

export function pairAfter(pairs: readonly PairName[], pair: PairName): PairName {
  return pairs[(pairs.indexOf(pair) + 1) % pairs.length] ?? pair;
}

/** One press of a key wipes so far, as a share of the width. */
export const WIPE_STEP = 0.05;

export function wiped(share: number, step: number): number {
  return Math.round(Math.min(1, Math.max(0, share + step)) * 100) / 100;
}
