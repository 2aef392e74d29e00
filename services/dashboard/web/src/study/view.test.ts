import { expect, test } from "vitest";

import { LARGEST_ZOOM, panned, transformOf, WHOLE, widthFor, zoomed } from "./view";

test("the point under the pointer stays under the pointer while zooming", () => {
  const before = { zoom: 2, x: 0.5, y: 0.5 };
  const [px, py] = [0.3, -0.2];
  const after = zoomed(before, 1.5, px, py);
  expect(after.x + px / after.zoom).toBeCloseTo(before.x + px / before.zoom);
  expect(after.y + py / after.zoom).toBeCloseTo(before.y + py / before.zoom);
});

test("zooming out ends at the whole picture, centred", () => {
  expect(zoomed({ zoom: 1.1, x: 0.9, y: 0.1 }, 0.5)).toEqual(WHOLE);
});

test("zooming in ends at the largest magnification", () => {
  expect(zoomed({ zoom: 15, x: 0.5, y: 0.5 }, 4).zoom).toBe(LARGEST_ZOOM);
});

test("the whole picture cannot be dragged away", () => {
  expect(panned(WHOLE, 0.4, 0.4)).toEqual(WHOLE);
});

test("dragging right shows what lies further left, and less the closer one looks", () => {
  expect(panned({ zoom: 2, x: 0.5, y: 0.5 }, 0.2, 0)).toEqual({ zoom: 2, x: 0.4, y: 0.5 });
  expect(panned({ zoom: 4, x: 0.5, y: 0.5 }, 0.2, 0)).toEqual({ zoom: 4, x: 0.45, y: 0.5 });
});

test("dragging stops where the picture ends", () => {
  expect(panned({ zoom: 2, x: 0.05, y: 0.5 }, 0.8, 0).x).toBe(0);
});

test("the transform brings the chosen point to the panel's centre", () => {
  expect(transformOf({ zoom: 2, x: 0.25, y: 0.5 })).toBe("translate(50.0000%, 0.0000%) scale(2.0000)");
});

test("the rendering asked for has a pixel for each of the screen's, as far as there are any", () => {
  expect(widthFor(600, 1, 1)).toBe(1024);
  expect(widthFor(600, 1, 2)).toBe(2048);
  expect(widthFor(600, 16, 2)).toBe(4096);
});
