/** Looking up what a result says. */
import type { Finding, Laterality, Result } from "../api/types";
import { t } from "../text/messages";
import type { Kind } from "./kinds";

export function finding(result: Result, label: string, laterality: Laterality | null): Finding | null {
  return result.findings.find((one) => one.label === label && (one.laterality ?? null) === laterality) ?? null;
}

/** What a label is called; a label that this version does not know has the meaning of its code. */
export function labelText(one: Pick<Finding, "label" | "code">): string {
  return t.labels[one.label] ?? one.code.meaning;
}

/** The side a finding speaks of, in the words of its kind: an eye, or a side of the body. */
export function sideText(kind: Kind, laterality: Laterality | null): string {
  if (kind === "eyes") return laterality === null ? t.eyes.patient : t.eyes[laterality];
  return laterality === null ? t.sides.none : t.sides[laterality];
}
