import { expect, test } from "vitest";

import { knownFilters, withFilter } from "./filters";

test("a stored filter that this version does not know is dropped", () => {
  expect(knownFilters({ urgency: "stat", colour: "blue", review_state: "maybe" })).toEqual({ urgency: "stat" });
  expect(knownFilters(null)).toEqual({});
});

test("choosing all takes the filter away", () => {
  expect(withFilter({ urgency: "stat" }, "urgency", "")).toEqual({});
});

test("a pipeline that somebody added may be filtered by", () => {
  expect(knownFilters({ pipeline: "spleen_ct" })).toEqual({ pipeline: "spleen_ct" });
  expect(knownFilters({ pipeline: "<b>" })).toEqual({});
});

test("what a reading overnight changed may be filtered by", () => {
  expect(knownFilters({ change: "crossed" })).toEqual({ change: "crossed" });
  expect(knownFilters({ change: "sideways" })).toEqual({});
});
