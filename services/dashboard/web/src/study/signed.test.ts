import { expect, test } from "vitest";

import { graceOf, leftUntil } from "./signed";

test("the grace lasts as long as the server says, whatever this clock shows", () => {
  const review = { created_at: "2026-01-01T00:00:00Z", undo_until: "2026-01-01T00:10:00Z" };
  expect(graceOf(review)).toBe(600_000);
  expect(graceOf({ ...review, undo_until: null })).toBe(0);
});

test("what is left counts down to nothing and not below", () => {
  expect(leftUntil(65_000, 0)).toEqual([1, 5]);
  expect(leftUntil(65_000, 64_500)).toEqual([0, 1]);
  expect(leftUntil(65_000, 99_000)).toEqual([0, 0]);
});
