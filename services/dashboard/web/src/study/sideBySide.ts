/** The findings of a reading as the machine and each reader say them, one line a finding. */
import type { Finding, Result, Review } from "../api/types";
import { fieldKey } from "./edits";

type Value = number | string | null;
/** `values` are the machine's and then each reader's, null where somebody gives none. */
export type Said = { finding: Pick<Finding, "label" | "code" | "laterality" | "unit">; values: Value[]; differ: boolean };

/** An edit is laid over the machine's findings; who rejected the result gives none. Probabilities are nobody's word. */
export function said(result: Result, stand: readonly Review[]): Said[] {
  const told = new Map<string, Said["finding"]>();
  const all = [result.findings, ...stand.map((word) => word.findings)];
  for (const finding of all.flat()) {
    const key = keyOf(finding);
    if (!told.has(key)) told.set(key, { ...finding, unit: finding.unit ?? null });
  }
  const machine = valuesOf(result.findings);
  const readers = stand.map((word) => {
    if (word.verdict === "reject") return new Map<string, Value>();
    return word.verdict === "edit" ? new Map([...machine, ...valuesOf(word.findings)]) : machine;
  });
  return [...told]
    .filter(([, finding]) => finding.label !== "referable_dr")
    .map(([key, finding]) => {
      const values = [machine, ...readers].map((values) => values.get(key) ?? null);
      return { finding, values, differ: new Set(values.slice(1)).size > 1 };
    });
}

type Place = { label: string; laterality?: Finding["laterality"]; value: Value };

function keyOf(finding: Pick<Place, "label" | "laterality">): string {
  return fieldKey(finding.label, finding.laterality ?? null);
}

function valuesOf(findings: readonly Place[]): Map<string, Value> {
  return new Map(findings.map((finding) => [keyOf(finding), finding.value]));
}
