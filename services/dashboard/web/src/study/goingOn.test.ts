import { expect, test } from "vitest";

import { nextToRead } from "./goingOn";

type Row = { id: string; review_state: string; waits_for_another: boolean };

const row = (id: string, review_state = "unread", waits_for_another = false): Row => ({
  id,
  review_state,
  waits_for_another,
});

test("the next study is the next one of the list that is not decided", () => {
  expect(nextToRead([row("a"), row("b", "signed"), row("c")], "a")).toBe("c");
});

test("two readings of one study are one step", () => {
  expect(nextToRead([row("a"), row("a"), row("b")], "a")).toBe("b");
});

test("behind the last comes the first that was passed over, and never the study itself", () => {
  expect(nextToRead([row("a"), row("b")], "b")).toBe("a");
  expect(nextToRead([row("a", "signed"), row("b")], "b")).toBeNull();
});

test("from a study that the list does not hold the first one is next", () => {
  expect(nextToRead([row("a"), row("b")], "elsewhere")).toBe("a");
});

test("what this reader has signed, and another has to decide on, is passed over", () => {
  const rows = [row("a"), row("b", "adjudication", true), row("c", "second_read", true), row("d", "adjudication")];
  expect(nextToRead(rows, "a")).toBe("d");
});
