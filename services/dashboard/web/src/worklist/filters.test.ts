import { expect, test } from "vitest";

import { knownFilters, sameFilters, withFilter } from "./filters";

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

test("who is to read and which site may be filtered by", () => {
  const chosen = { assignee: "me", site: "01JD8Q3Z5V7Y9XK2M4N6P8R0ST" };
  expect(knownFilters(chosen)).toEqual(chosen);
});

test("filters chosen in another order are the same view", () => {
  expect(sameFilters({ urgency: "stat", assignee: "me" }, { assignee: "me", urgency: "stat" })).toBe(true);
  expect(sameFilters({ urgency: "stat" }, { urgency: "stat", assignee: "me" })).toBe(false);
});
