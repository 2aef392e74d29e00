import { expect, test } from "vitest";

import { filterOf, LARGEST_FROM, PLAIN, shownLevels, withFrom, withOpacity, withTone } from "./picture";

test("making the heat-map stronger also switches it on", () => {
  expect(withOpacity({ ...PLAIN, overlay: false }, 0.1)).toMatchObject({ overlay: true, opacity: 0.6 });
});

test("opacity stays between nothing and full", () => {
  expect(withOpacity({ ...PLAIN, opacity: 0.95 }, 0.1).opacity).toBe(1);
  expect(withOpacity({ ...PLAIN, opacity: 0.05 }, -0.1).opacity).toBe(0);
});

test("contrast never reaches zero, where every picture would look healthy", () => {
  expect(withTone({ ...PLAIN, contrast: 0.4 }, "contrast", -0.1).contrast).toBe(0.4);
});

test("red-free goes before the tone, so that contrast works on the green channel", () => {
  expect(filterOf({ ...PLAIN, redFree: true })).toBe("url(#red-free) brightness(1) contrast(1)");
});

test("below the threshold nothing of the heat-map is shown, above it stays as it was", () => {
  const [all, strong] = [shownLevels(0), shownLevels(0.5)];
  expect(strong.slice(0, 50).every((level) => level === 0)).toBe(true);
  expect(strong.slice(50)).toEqual(all.slice(50));
  expect([all[0], all[99]]).toEqual([0, 1]);
});

test("the threshold leaves something of the map, and changing it shows the map", () => {
  expect(withFrom({ ...PLAIN, overlay: false, from: LARGEST_FROM }, 0.1)).toMatchObject({ overlay: true, from: LARGEST_FROM });
  expect(withFrom(PLAIN, -0.1).from).toBe(0);
});
