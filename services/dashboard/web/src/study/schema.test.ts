import { expect, test } from "vitest";

import { DISC, MACULA, SIGNS, type Spot } from "./schema";

function quadrant([x, y]: Spot): string {
  return `${x < 50 ? "left" : "right"} ${y < 50 ? "above" : "below"}`;
}

test("there is a drawing of each grade", () => {
  expect(SIGNS).toHaveLength(5);
});

test("no apparent retinopathy shows no sign, and mild shows microaneurysms only", () => {
  const [none, mild] = SIGNS;
  expect(Object.values(none ?? {}).every((sign) => sign === false || (Array.isArray(sign) && sign.length === 0))).toBe(true);
  expect(mild?.microaneurysms.length).toBeGreaterThan(0);
  expect([mild?.haemorrhages, mild?.exudates, mild?.cottonWool]).toEqual([[], [], []]);
});

test("severe has more than twenty haemorrhages in each of four quadrants, moderate does not", () => {
  const fewest = (spots: readonly Spot[]): number =>
    Math.min(...["left above", "left below", "right above", "right below"].map(
      (place) => spots.filter((spot) => quadrant(spot) === place).length,
    ));
  expect(fewest(SIGNS[3]?.haemorrhages ?? [])).toBeGreaterThan(20);
  expect(fewest(SIGNS[2]?.haemorrhages ?? [])).toBeLessThan(20);
});

test("only proliferative disease has new vessels", () => {
  expect(SIGNS.map((signs) => signs.newVessels)).toEqual([false, false, false, false, true]);
});

test("signs lie within the retina, clear of disc and macula", () => {
  const spots = SIGNS.flatMap((signs) => [...signs.haemorrhages, ...signs.microaneurysms, ...signs.exudates]);
  expect(spots.every(([x, y]) => Math.hypot(x - 50, y - 50) < 46)).toBe(true);
  expect(spots.every(([x, y]) => [DISC, MACULA].every(([cx, cy]) => Math.hypot(x - cx, y - cy) > 8))).toBe(true);
});
