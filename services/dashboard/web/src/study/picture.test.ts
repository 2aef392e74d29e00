import { expect, test } from "vitest";

import { filterOf, PLAIN, withOpacity, withTone } from "./picture";

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
