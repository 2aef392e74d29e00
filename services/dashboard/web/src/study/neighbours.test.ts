import { expect, test } from "vitest";

import { neighbours } from "./neighbours";

const rows = [{ id: "a" }, { id: "b" }, { id: "b" }, { id: "c" }];

test("a study with two readings counts once on the way through the worklist", () => {
  expect(neighbours(rows, "b")).toEqual({ previous: "a", next: "c" });
});

test("the last study has no next one", () => {
  expect(neighbours(rows, "c")).toEqual({ previous: "b", next: null });
});

test("from a study that the list does not hold one goes to its first", () => {
  expect(neighbours(rows, "z")).toEqual({ previous: null, next: "a" });
});
