import { expect, test } from "vitest";

import { field } from "./field";

test("a change says its kind once", () => {
  expect(field.change.told("crossed", "DR grade 0 -> 2")).toBe("Crossed a line: DR grade 0 \u2192 2");
  expect(field.change.told("answered", "answered now: DR grade 4")).toBe("Answered now: DR grade 4");
  expect(field.change.told("changed", null)).toBe("Changed");
});
