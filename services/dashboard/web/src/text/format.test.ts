import { expect, test } from "vitest";

import { age, bytes, percent, seconds, sentence } from "./format";

test("an age has one unit", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  expect(age("2026-01-01T23:59:40Z", now)).toBe("now");
  expect(age("2026-01-01T23:12:00Z", now)).toBe("48 min");
  expect(age("2026-01-01T20:30:00Z", now)).toBe("3 h");
  expect(age("2025-12-30T00:00:00Z", now)).toBe("3 d");
});

test("a clock that is behind the server's shows no negative age", () => {
  expect(age("2026-01-02T00:00:05Z", Date.parse("2026-01-02T00:00:00Z"))).toBe("now");
});

test("a probability that is not certain is never shown as certain", () => {
  expect(percent(0.9999)).toBe("> 99 %");
  expect(percent(0.0001)).toBe("< 1 %");
  expect(percent(1)).toBe("100 %");
  expect(percent(0)).toBe("0 %");
  expect(percent(0.814)).toBe("81 %");
});

test("times and sizes take the unit that suits them", () => {
  expect(seconds(0.012)).toBe("12 ms");
  expect(seconds(1.234)).toBe("1.23 s");
  expect(bytes(512)).toBe("512 B");
  expect(bytes(1_500_000)).toBe("1.5 MB");
  expect(bytes(0)).toBe("0 B");
});

test("a half sentence of the server's becomes a sentence", () => {
  expect(sentence("the photograph is ungradable")).toBe("The photograph is ungradable.");
  expect(sentence("Already one.")).toBe("Already one.");
  expect(sentence("")).toBe("");
});
