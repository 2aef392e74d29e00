/** The audit's search: days are the reader's own, and both ends count. */
import { expect, test } from "vitest";

import { NOTHING_ASKED, questionOf } from "./auditSearch";

test("one day is asked from its first moment to the first of the next", () => {
  const { since, until } = questionOf({ ...NOTHING_ASKED, first: "2026-03-28", last: "2026-03-28" });
  expect(new Date(since ?? "").getHours()).toBe(0);
  expect(new Date(until ?? "").getDate()).toBe(29);
  expect(new Date(until ?? "").getHours()).toBe(0);
});

test("what is not asked is left out, and an id is read however it was pasted", () => {
  expect(questionOf({ ...NOTHING_ASKED, study: " 01jd8q3z5v " })).toEqual({
    by: "",
    action: "",
    study: "01JD8Q3Z5V",
    since: "",
    until: "",
  });
});
