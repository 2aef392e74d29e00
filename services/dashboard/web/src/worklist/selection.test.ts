import { expect, test } from "vitest";

import { extended, markedRows, NOTHING, toggled } from "./selection";

const rows = ["a", "b", "c", "d"].map((row_id) => ({ row_id }));

test("a row is marked and unmarked", () => {
  const marked = toggled(NOTHING, "b");
  expect([...marked.marked]).toEqual(["b"]);
  expect([...toggled(marked, "b").marked]).toEqual([]);
});

test("everything between the last mark and the row is marked, in both directions", () => {
  const marked = toggled(NOTHING, "c");
  expect(markedRows(extended(marked, rows, "a"), rows)).toEqual(["a", "b", "c"]);
  expect(markedRows(extended(marked, rows, "d"), rows)).toEqual(["c", "d"]);
});

test("without a mark, or where it has left the list, the row alone is marked", () => {
  expect(markedRows(extended(NOTHING, rows, "b"), rows)).toEqual(["b"]);
  expect(markedRows(extended(toggled(NOTHING, "gone"), rows, "b"), rows)).toEqual(["b"]);
});

test("a row that has left the list is not acted on", () => {
  expect(markedRows(toggled(toggled(NOTHING, "gone"), "a"), rows)).toEqual(["a"]);
});
