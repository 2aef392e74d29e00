/** What a reader may correct of a result: the fields of each kind, where they begin, and what follows from them. */
import type { Finding, Laterality, Result } from "../api/types";
import { figure } from "../text/format";
import { finding } from "./findings";
import { kindOf, type Kind } from "./kinds";
import { eyesOf } from "./photographs";
import { ASYMMETRY, asymmetryOf, PARTS, sidesOf, TOTAL } from "./volumes";

/** What stands in the fields, as typed: field key -> text. */
export type Answers = Readonly<Record<string, string>>;
export type Field = {
  key: string;
  finding: Finding;
  /** The machine's value, where an edit begins. */
  begin: string;
  /** The values there are; null where any number may be typed. */
  choices: readonly string[] | null;
};
export type Value = { label: string; value: number | string; laterality: Laterality | null };

type Edits = { fields: (result: Result) => Field[]; following: (values: readonly Value[], result: Result) => Value[] };

/** Grades a reader may set: label -> the values there are. ICDR 0-4; DME risk 0-2. */
export const GRADES = { dr_grade: [0, 1, 2, 3, 4], dme_risk: [0, 1, 2] } as const;
export type GradeLabel = keyof typeof GRADES;

const EDITS: Readonly<Record<Kind, Edits>> = {
  eyes: { fields: gradeFields, following: worstEye },
  volumes: { fields: volumeFields, following: totals },
  reconstruction: { fields: () => [], following: () => [] },
  findings: { fields: findingFields, following: () => [] },
};

export function fieldsOf(result: Result): Field[] {
  return EDITS[kindOf(result.pipeline)].fields(result);
}

/** The findings as the reader leaves them, with what follows from them; fields that hold no value are left out. */
export function editedValues(result: Result, answers: Answers): Value[] {
  const values = fieldsOf(result).flatMap((field): Value[] => {
    const value = valueOf(field, answers[field.key] ?? "");
    return value === null ? [] : [{ label: field.finding.label, value, laterality: field.finding.laterality ?? null }];
  });
  return [...values, ...EDITS[kindOf(result.pipeline)].following(values, result)];
}

/** The value that a text stands for; null where it stands for none. What was not touched keeps the machine's digits. */
export function valueOf(field: Field, text: string): number | string | null {
  const machine = field.finding.value;
  if (text === field.begin && machine !== null) return machine;
  if (field.choices !== null) return field.choices.includes(text) ? choiceValue(field, text) : null;
  const number = text.trim().replace(",", ".");
  return /^-?\d+(\.\d+)?$/.test(number) ? Number(number) : null;
}

function choiceValue(field: Field, text: string): number | string {
  return typeof field.finding.value === "string" ? text : Number(text);
}

export function fieldKey(label: string, laterality: Laterality | null): string {
  return `${label}/${laterality ?? ""}`;
}

function fieldOf(one: Finding, choices: readonly string[] | null): Field {
  const begin =
    typeof one.value === "number" && choices === null ? figure(one.value, one.unit ?? null) : String(one.value ?? "");
  return { key: fieldKey(one.label, one.laterality ?? null), finding: one, begin, choices };
}

/** Each grade of each eye that the result speaks of. */
function gradeFields(result: Result): Field[] {
  return eyesOf(result).flatMap((eye) =>
    (Object.keys(GRADES) as GradeLabel[]).flatMap((label) => {
      const found = finding(result, label, eye);
      return found === null ? [] : [fieldOf(found, GRADES[label].map(String))];
    }),
  );
}

/** The patient's grade is the worse eye's. */
function worstEye(values: readonly Value[]): Value[] {
  return Object.keys(GRADES).flatMap((label) => {
    const eyes = values.filter((one) => one.label === label && one.laterality !== null).map((one) => Number(one.value));
    return eyes.length > 0 ? [{ label, value: Math.max(...eyes), laterality: null }] : [];
  });
}

/** The parts of each side; the totals and the asymmetry follow from them. */
function volumeFields(result: Result): Field[] {
  return sidesOf(result).flatMap((side) =>
    PARTS.flatMap((part) => {
      const found = finding(result, part, side);
      return found === null ? [] : [fieldOf(found, null)];
    }),
  );
}

function totals(values: readonly Value[], result: Result): Value[] {
  const sums = sidesOf(result).flatMap((side): Value[] => {
    const parts = values.filter((one) => one.laterality === side);
    const whole = parts.length === PARTS.length && finding(result, TOTAL, side) !== null;
    return whole ? [{ label: TOTAL, value: rounded(sum(parts)), laterality: side }] : [];
  });
  const [left, right] = (["L", "R"] as const).map((side) => sums.find((one) => one.laterality === side));
  const asymmetry = left && right ? asymmetryOf(Number(left.value), Number(right.value)) : null;
  if (asymmetry === null || finding(result, ASYMMETRY, null) === null) return sums;
  return [...sums, { label: ASYMMETRY, value: rounded(asymmetry), laterality: null }];
}

function sum(values: readonly Value[]): number {
  return values.reduce((total, one) => total + Number(one.value), 0);
}

/** Adding decimal numbers leaves digits that nobody typed. */
const DIGITS_KEPT = 4;

function rounded(value: number): number {
  return Number(value.toFixed(DIGITS_KEPT));
}

/** Every number, and every class among those that the model gives a probability. */
function findingFields(result: Result): Field[] {
  return result.findings.flatMap((one) => {
    if (one.probabilities) return [fieldOf(one, Object.keys(one.probabilities))];
    return typeof one.value === "number" ? [fieldOf(one, null)] : [];
  });
}
