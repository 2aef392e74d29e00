import { expect, test } from "vitest";

import { withWord } from "./reviews";
import type { Review } from "./types";

const review = (id: string, action: Review["action"], standing = false): Review =>
  ({ id, action, standing, undo_until: standing ? "2026-01-01T00:10:00Z" : null }) as Review;

test("a signature takes the place of the one before it at once, and a draft of none", () => {
  const before = [review("1", "sign", true)];
  expect(withWord(before, review("2", "draft")).map((one) => one.standing)).toEqual([true, false]);
  expect(withWord(before, review("2", "amend", true)).map((one) => one.standing)).toEqual([false, true]);
});

test("an answer that comes twice is one word", () => {
  expect(withWord([review("1", "sign", true)], review("1", "sign", true))).toHaveLength(1);
});
