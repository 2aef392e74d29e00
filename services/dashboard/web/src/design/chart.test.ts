import { expect, test } from "vitest";

import { lookOf, markerPath } from "./lines";
import { spanOf } from "./plot";

test("the axis holds every interval and the limit, and at least what was asked for", () => {
  const lines = [{ name: "a", values: [0.5, null], low: [-0.2, null], high: [0.6, null] }];
  expect(spanOf({ lines, range: [0, 1] })).toEqual([-0.2, 1]);
  expect(spanOf({ lines, range: [0, 0], limit: { name: "too much", value: 2 } })).toEqual([-0.2, 2]);
});

test("figures that are all the same have an axis all the same", () => {
  expect(spanOf({ lines: [{ name: "a", values: [3] }], range: [3, 3] })).toEqual([2, 4]);
});

test("no two of the first lines look alike without their colours", () => {
  const looks = [0, 1, 2, 3, 4, 5]
    .map(lookOf)
    .map((look) => `${look.dash.join()} ${markerPath(look.marker, 0, 0, 1)}`);
  expect(new Set(looks).size).toBe(looks.length);
});
