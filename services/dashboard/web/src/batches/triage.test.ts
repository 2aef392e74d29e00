import { expect, test } from "vitest";

import type { Change } from "../api/overnight";
import { isSettled, nextToSee, toggled } from "./triage";

const change = (id: string, marked = true): Change => ({ id, worklist: { marked } }) as unknown as Change;
const CHANGES = [change("a"), change("b"), change("c", false), change("d")];

test("what is done with is passed over", () => {
  expect(nextToSee(CHANGES, new Set(["b"]), "a")).toBe("d");
});

test("after the last one the reader stays where they are", () => {
  expect(nextToSee(CHANGES, new Set(), "d")).toBe("d");
});

test("a study that left the worklist is not settled by that", () => {
  expect(isSettled({ ...change("a"), worklist: null })).toBe(false);
});

test("marking twice takes the mark away", () => {
  expect([...toggled(toggled(new Set(["x"]), "a"), "a")]).toEqual(["x"]);
});
