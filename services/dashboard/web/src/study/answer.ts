/** A result's answer in a few words, for the head of the form: it is in sight while the reader decides. */
import type { EditedFinding, Finding, Result, Review } from "../api/types";
import { percent, quantity } from "../text/format";
import { t } from "../text/messages";
import { finding, labelText, sideText } from "./findings";
import { kindOf } from "./kinds";
import { eyesOf } from "./photographs";
import { SIDES, TOTAL } from "./volumes";

/** Of a model with many findings the first ones stand for all: the whole reading is above the form. */
const MOST = 2;

/** One statement for each side; where the model abstained, only that: what it leaned towards is no answer. */
export function answerParts(result: Result): string[] {
  if (result.abstained) return [t.answer.none];
  const kind = kindOf(result.pipeline);
  if (kind === "eyes") return eyesOf(result).map((eye) => eyeText(result, eye));
  const chief = SIDES.flatMap((side) => finding(result, TOTAL, side) ?? []);
  return (chief.length > 0 ? chief : result.findings.slice(0, MOST)).map((one) => {
    const side = one.laterality ? `${sideText(kind, one.laterality)} ` : "";
    return `${side}${chief.length > 0 ? "" : `${labelText(one)} `}${valueText(one)}`;
  });
}

function eyeText(result: Result, eye: ReturnType<typeof eyesOf>[number]): string {
  const name = eye === null ? t.eyes.patient : t.eyesShort[eye];
  const value = finding(result, "dr_grade", eye);
  const abstained = result.images.some((image) => image.abstained && (eye === null || image.laterality === eye));
  if (abstained || typeof value?.value !== "number") return t.answer.eyeNone(name);
  const sure = value.probabilities?.[String(value.value)];
  return t.answer.eye(name, value.value, sure === undefined ? null : percent(sure));
}

function valueText(one: Finding): string {
  if (one.value === null) return t.none;
  return typeof one.value === "number" ? quantity(one.value, one.unit ?? null) : one.value;
}

/** "Right: Anterior part 1.62 ml"; the unit is that of the finding which was corrected. */
export function editedText(one: EditedFinding, result: Result): string {
  const laterality = one.laterality ?? null;
  const unit = finding(result, one.label, laterality)?.unit ?? null;
  const value = typeof one.value === "number" ? quantity(one.value, unit) : (one.value ?? t.none);
  const what = `${labelText(one)} ${value}`;
  const kind = kindOf(result.pipeline);
  return laterality === null && kind !== "eyes" ? what : `${sideText(kind, laterality)}: ${what}`;
}

/** What a signature says, in a few words: the answer accepted, or what was corrected of it; nothing of a rejected one. */
export function signedText(review: Pick<Review, "verdict" | "findings">, result: Result): string {
  if (review.verdict === "reject") return "";
  if (review.verdict !== "edit") return answerParts(withoutShares(result)).join(", ");
  const changed = review.findings.filter(
    (one) => finding(result, one.label, one.laterality ?? null)?.value !== one.value,
  );
  const told = changed.slice(0, MOST).map((one) => editedText(one, result));
  return [...told, ...(changed.length > MOST ? [t.signed.more(changed.length - MOST)] : [])].join(", ");
}

/** A reader signs a grade, not how probable the model thought it. */
function withoutShares(result: Result): Result {
  return { ...result, findings: result.findings.map((one) => ({ ...one, probabilities: null })) };
}
