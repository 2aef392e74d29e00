import { expect, test } from "vitest";

import { saidText } from "./said";

test("an asymmetry names the larger side, and other values their unit", () => {
  expect(saidText("asymmetry", -7.6, "%")).toMatch(/^7\.6\s% right larger$/);
  expect(saidText("asymmetry", 0.3, "%")).toMatch(/^0\.3\s% left larger$/);
  expect(saidText("asymmetry", 0, "%")).toBe("equal");
  expect(saidText("hippocampus", 3, "ml")).toMatch(/^3\.00\sml$/);
});

test("what is no number is said as it is, and what is missing by a dash", () => {
  expect(saidText("class", "fatty", null)).toBe("fatty");
  expect(saidText("hippocampus", null, "ml")).toBe("–");
});
