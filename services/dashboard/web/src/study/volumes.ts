/** Volumes as a table: a row each structure, a column each side. */
import type { Finding, Laterality, Result } from "../api/types";
import { finding } from "./findings";

/** The parts first, then what they add up to. */
export const STRUCTURES = ["anterior", "posterior", "hippocampus"] as const;
export type Structure = (typeof STRUCTURES)[number];
export const PARTS: readonly Structure[] = ["anterior", "posterior"];
export const TOTAL: Structure = "hippocampus";
export const ASYMMETRY = "asymmetry";

/** Right first, as one looks at the patient; null where the side is not known. */
export const SIDES: readonly (Laterality | null)[] = ["R", "L", "B", null];

export type VolumeTable = {
  sides: readonly (Laterality | null)[];
  rows: readonly { structure: Structure; cells: readonly (Finding | null)[] }[];
};

export function volumeTable(result: Result): VolumeTable {
  const sides = sidesOf(result);
  const rows = STRUCTURES.map((structure) => ({
    structure,
    cells: sides.map((side) => finding(result, structure, side)),
  }));
  return { sides, rows: rows.filter((row) => row.cells.some((cell) => cell !== null)) };
}

export function sidesOf(result: Result): (Laterality | null)[] {
  const measured = result.findings.filter((one) => (STRUCTURES as readonly string[]).includes(one.label));
  return SIDES.filter((side) => measured.some((one) => (one.laterality ?? null) === side));
}

/** 2 (L - R) / (L + R) in percent: above zero where the left is larger. */
export function asymmetryOf(left: number, right: number): number | null {
  return left + right > 0 ? (200 * (left - right)) / (left + right) : null;
}
