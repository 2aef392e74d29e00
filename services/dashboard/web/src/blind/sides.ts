/** A blind word beside the machine's answer, finding by finding. */
import type { BlindRead } from "../api/blind";
import type { Laterality, Result } from "../api/types";
import { finding } from "../study/findings";

export type Value = number | string | null;
export type Pair = {
  label: string;
  name: string;
  laterality: Laterality | null;
  unit: string | null;
  said: Value;
  machine: Value;
  /** Null where one of them gives nothing to hold beside the other. */
  same: boolean | null;
};

/** Measurements that differ by less than this share of the larger one say the same, as the server compares readers. */
const ALIKE = 0.1;

export function pairs(read: BlindRead, result: Result): Pair[] {
  return read.findings.map((one) => {
    const found = finding(result, one.label, one.laterality ?? null);
    const machine = found?.value ?? null;
    return {
      label: one.label,
      name: one.code.meaning,
      laterality: one.laterality ?? null,
      unit: one.unit ?? null,
      said: one.value,
      machine,
      same: sameOf(one.value, machine, one.unit ?? null),
    };
  });
}

function sameOf(said: Value, machine: Value, unit: string | null): boolean | null {
  if (said === null || machine === null) return null;
  if (unit === null || typeof said === "string" || typeof machine === "string") return said === machine;
  return Math.abs(said - machine) <= ALIKE * Math.max(Math.abs(said), Math.abs(machine));
}
