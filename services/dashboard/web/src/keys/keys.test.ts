import { expect, test } from "vitest";

import { t } from "../text/messages";
import { KEYS } from "./bindings";
import { nameOf, STEADY, takesKey } from "./keys";

const place = (tagName: string, type: string | null = null) => ({
  tagName,
  isContentEditable: false,
  getAttribute: () => type,
});

test("letters typed into a comment are text", () => {
  expect(takesKey(place("TEXTAREA"), "a")).toBe(true);
  expect(takesKey(place("INPUT", "text"), "j")).toBe(true);
});

test("Escape leaves a text before it leaves the page", () => {
  expect(takesKey(place("TEXTAREA"), "Escape")).toBe(true);
  expect(takesKey(place("BUTTON"), "Escape")).toBe(false);
});

test("signing works from inside the comment", () => {
  expect(takesKey(place("TEXTAREA"), "Control+Enter")).toBe(false);
});

test("a focused button keeps Enter but not the letters", () => {
  expect(takesKey(place("BUTTON"), "Enter")).toBe(true);
  expect(takesKey(place("BUTTON"), "a")).toBe(false);
});

test("a focused link keeps Enter; the list is walked on and marked from it", () => {
  expect(takesKey(place("A"), "Enter")).toBe(true);
  expect(["ArrowDown", " ", "Home"].some((key) => takesKey(place("A"), key))).toBe(false);
});

test("a focused slider keeps the arrows", () => {
  expect(takesKey(place("INPUT", "range"), "ArrowLeft")).toBe(true);
  expect(takesKey(place("INPUT", "range"), "h")).toBe(false);
});

test("a list keeps its letters, unless it is one that only arrows choose from", () => {
  const steady = { ...place("SELECT"), getAttribute: (name: string) => (name === STEADY ? "" : null) };
  expect(takesKey(place("SELECT"), "m")).toBe(true);
  expect(takesKey(steady, "m")).toBe(false);
  expect(["ArrowDown", "Enter", " ", "Escape"].every((key) => takesKey(steady, key))).toBe(true);
});

test("Command counts as Control", () => {
  expect(nameOf({ key: "Enter", ctrlKey: false, metaKey: true, altKey: false })).toBe("Control+Enter");
});

test("a bracket typed with Option or AltGr is the bracket, and Alt with a letter is not the letter", () => {
  const option = { ctrlKey: false, metaKey: false, altKey: true };
  expect(nameOf({ key: "[", ...option })).toBe("[");
  expect(nameOf({ key: "}", ...option, ctrlKey: true })).toBe("}");
  expect(nameOf({ key: "i", ...option })).toBe("Alt+i");
});

/** Typed without Option or AltGr on US, British, German, Swiss, French, Italian, Spanish and Nordic keyboards alike. */
const ON_EVERY_KEYBOARD = /^((Control\+)?[a-zA-Z0-9]|[-+,./? ]|Control\+Enter|Enter|Escape|Home|End|Page(Up|Down)|Arrow\w+)$/;

test("every key has one that each keyboard types without Option or AltGr", () => {
  const lacking = Object.values(KEYS).flatMap((group) =>
    Object.entries<readonly string[]>(group).filter(([, keys]) => !keys.some((key) => ON_EVERY_KEYBOARD.test(key))),
  );
  expect(lacking).toEqual([]);
});

test("no key means two things on one page", () => {
  const study = [...Object.values(KEYS.everywhere), ...Object.values(KEYS.picture), ...Object.values(KEYS.verdict)].flat();
  const kinds = [KEYS.eyes, KEYS.reconstruction].map((kind) => [...study, ...Object.values(kind).flat()]);
  const worklist = [...Object.values(KEYS.everywhere), ...Object.values(KEYS.worklist)].flat();
  for (const keys of kinds) expect(new Set(keys).size).toBe(keys.length);
  expect(new Set(worklist).size).toBe(worklist.length);
  const triage = [...Object.values(KEYS.everywhere), ...Object.values(KEYS.triage)].flat();
  expect(new Set(triage).size).toBe(triage.length);
});

test("every key has its line in the help", () => {
  const named = Object.values(KEYS).flatMap((group) => Object.keys(group));
  expect(named.filter((name) => !(name in t.keys.does))).toEqual([]);
});
