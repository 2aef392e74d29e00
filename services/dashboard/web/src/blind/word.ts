/** A blind word while it is being made: what is chosen and typed, what is missing, and how it is sent. */
import type { Ask, BlindWord } from "../api/blind";

export type Draft = {
  /** What stands in the fields, by the ask's key. */
  answers: Readonly<Record<string, string>>;
  ungradable: boolean;
  comment: string;
};

export const BLANK: Draft = { answers: {}, ungradable: false, comment: "" };

export function keyOf(ask: Ask): string {
  return `${ask.label}/${ask.laterality ?? ""}`;
}

export type Lacking = "choice" | "number" | null;

/** What keeps the word from being said: a grade that was not chosen, or a number that is none. */
export function lacking(asks: readonly Ask[], draft: Draft): Lacking {
  if (draft.ungradable) return null;
  if (asks.some((ask) => ask.needed && valueOf(ask, draft) === null)) return "choice";
  const typed = asks.filter((ask) => ask.kind === "number" && (draft.answers[keyOf(ask)] ?? "").trim() !== "");
  return typed.some((ask) => valueOf(ask, draft) === null) ? "number" : null;
}

/** The value that an answer stands for; null where it stands for none. */
export function valueOf(ask: Ask, draft: Draft): number | string | null {
  const text = (draft.answers[keyOf(ask)] ?? "").trim();
  if (ask.kind === "choice") return ask.choices.find((choice) => String(choice.value) === text)?.value ?? null;
  const plain = text.replace(",", ".");
  if (!/^-?\d+(\.\d+)?$/.test(plain)) return null;
  const number = Number(plain);
  return number < (ask.lowest ?? -Infinity) || number > (ask.highest ?? Infinity) ? null : number;
}

export function toWord(asks: readonly Ask[], draft: Draft, seconds: number): BlindWord {
  const findings = asks.flatMap((ask) => {
    const value = valueOf(ask, draft);
    return value === null ? [] : [{ label: ask.label, value, laterality: ask.laterality }];
  });
  return {
    findings: draft.ungradable ? [] : findings,
    ungradable: draft.ungradable,
    comment: draft.comment.trim() === "" ? null : draft.comment,
    seconds: Number(seconds.toFixed(1)),
  };
}
