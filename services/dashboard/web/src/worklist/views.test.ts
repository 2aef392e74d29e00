import { expect, test } from "vitest";

import { groupsOf, walked } from "./views";

const counted = (key: string, filters: Record<string, string>, total = 1, name: string | null = null) => ({
  key,
  filters,
  name,
  total,
  capped: false,
});
const views = [
  counted("to_read", { review_state: "open" }),
  counted("pipeline:retinopathy", { pipeline: "retinopathy", review_state: "open" }),
  counted("pipeline:segmentation", { pipeline: "segmentation", review_state: "open" }, 0),
  counted("01VIEW", { urgency: "stat" }, 3, "my stats"),
];
const groups = groupsOf(views, (pipeline) => pipeline.toUpperCase());

test("views stand in groups, and a question that nobody asks is left out", () => {
  expect(groups.map((group) => group.views.map((view) => view.name))).toEqual([
    ["Everything", "To read"],
    ["RETINOPATHY"],
    ["my stats"],
  ]);
  expect(groups.at(-1)?.views[0]?.own).toBe(true);
});

test("the keys walk the views round", () => {
  expect(walked(groups, {}, 1)).toEqual({ review_state: "open" });
  expect(walked(groups, {}, -1)).toEqual({ urgency: "stat" });
  expect(walked(groups, { urgency: "stat" }, 1)).toEqual({});
});

test("from filters that are no view the keys lead to the first one", () => {
  expect(walked(groups, { urgency: "routine" }, 1)).toEqual({});
});
