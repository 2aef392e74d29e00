import { expect, test } from "vitest";

import { standing } from "./place";

const rows = ["a", "b", "c"].map((row_id) => ({ row_id }));

test("the cursor follows its row when the list changes above it", () => {
  expect(standing(rows, "c", 1)).toEqual({ id: "c", index: 2 });
});

test("where the row has left the list, the one that came into its place has the cursor", () => {
  expect(standing(rows, "gone", 1)).toEqual({ id: "b", index: 1 });
  expect(standing(rows, "gone", 9)).toEqual({ id: "c", index: 2 });
});

test("an empty list has no cursor", () => {
  expect(standing([], "a", 3)).toEqual({ id: null, index: 0 });
});
