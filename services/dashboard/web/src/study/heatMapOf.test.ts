import { expect, test } from "vitest";

import type { Result } from "../api/types";
import { heatMapOf } from "./heatMapOf";
import type { Photograph } from "./photographs";

const photograph = { reading: { artifacts: ["L-1-heatmap.png", "L-1-overlay.png"] } } as unknown as Photograph;
const withKinds = (...kinds: string[]): Result =>
  ({ artifacts: kinds.map((kind) => ({ kind, name: `L-1-${kind}.png` })) }) as unknown as Result;

test("the map alone is taken before the picture that it was drawn over", () => {
  expect(heatMapOf(photograph, withKinds("overlay", "heatmap"))).toEqual({ name: "L-1-heatmap.png", alone: true });
});

test("without the map the drawn picture stands in its place", () => {
  expect(heatMapOf(photograph, withKinds("overlay"))).toEqual({ name: "L-1-overlay.png", alone: false });
});

test("another photograph's map is not taken, and without a reading there is none", () => {
  expect(heatMapOf({ ...photograph, reading: null }, withKinds("heatmap"))).toBeNull();
  expect(heatMapOf(photograph, null)).toBeNull();
});
