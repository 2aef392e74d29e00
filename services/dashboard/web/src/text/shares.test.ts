import { expect, test } from "vitest";

import { figureText, shareText } from "./shares";

test("a figure is told with its interval where it has one", () => {
  expect(figureText({ value: 0.8528, low: 0.8081, high: 0.8898 })).toBe("0.853 (0.808–0.89)");
  expect(figureText(0.5)).toBe("0.5");
});

test("what is no figure is not told as one", () => {
  expect([figureText("0.9"), figureText(null), figureText({ low: 1 })]).toEqual([null, null, null]);
});

test("a share of nothing is a dash", () => {
  expect(shareText({ value: null, low: null, high: null, count: 0, n: 0 })).toBe("–");
});
