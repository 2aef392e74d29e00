import { expect, test } from "vitest";

import { GREY, HEAT } from "./colours";
import { areas, beginningSlice, markedBySlice, outline, percentile, pixels, spans } from "./planes";

const plane = (width: number, ...values: number[]) => ({
  width,
  height: values.length / width,
  values: Uint8Array.from(values),
});

test("a percentile leaves the few brightest voxels above it", () => {
  const values = Float32Array.from({ length: 1000 }, (_, place) => place);
  expect(percentile(values, 0.995)).toBeCloseTo(995, -1);
  expect(percentile(new Float32Array(10), 0.995)).toBe(1);
});

test("grey runs from black to white at the top, and no farther", () => {
  const drawn = pixels({ width: 3, height: 1, values: Float32Array.from([-1, 5, 20]) }, 10, GREY);
  expect([...drawn]).toEqual([0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255]);
});

test("the map's colours grow lighter all the way", () => {
  const light = Array.from({ length: 256 }, (_, level) => {
    const [red = 0, green = 0, blue = 0] = HEAT.subarray(3 * level, 3 * level + 3);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  });
  expect(light.every((value, level) => level === 0 || value >= (light[level - 1] ?? 0) - 1)).toBe(true);
});

test("one marked voxel is outlined by its four sides", () => {
  expect(outline(plane(3, 0, 0, 0, 0, 1, 0, 0, 0, 0))).toBe("M1 1h1M1 1v1M2 1v1M1 2h1");
});

test("what is marked up to the edge of the picture is outlined there", () => {
  expect(outline(plane(1, 1))).toBe("M0 0h1M0 0v1M1 0v1M0 1h1");
  expect(outline(plane(2, 0, 0))).toBe("");
});

test("areas that touch at a corner are one", () => {
  expect(areas(plane(3, 1, 0, 0, 0, 1, 0, 0, 0, 0))).toBe(1);
  expect(areas(plane(3, 1, 0, 1, 0, 0, 0, 1, 1, 0))).toBe(3);
  expect(areas(plane(2, 0, 0))).toBe(0);
});

test("the first slice shown is the one with most marked, else the middle one", () => {
  const marked = markedBySlice(Uint8Array.from([0, 0, 1, 0, 1, 1, 0, 0]), 4);
  expect(marked).toEqual([0, 1, 2, 0]);
  expect(beginningSlice(marked)).toBe(2);
  expect(beginningSlice([0, 0, 0, 0, 0])).toBe(2);
});

test("marked slices are told as spans, counted from one", () => {
  expect(spans([0, 1, 2, 1, 0, 0, 3])).toBe("2–4, 7");
  expect(spans([0, 0])).toBe("");
});
