import { expect, test } from "vitest";

import { age, bytes, figure, percent, personName, quantity, seconds, sentence, span, whole } from "./format";

test("an age has one unit", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  expect(age("2026-01-01T23:59:40Z", now)).toBe("now");
  expect(age("2026-01-01T23:12:00Z", now)).toBe("48\u00a0min");
  expect(age("2026-01-01T20:30:00Z", now)).toBe("3\u00a0h");
  expect(age("2025-12-30T00:00:00Z", now)).toBe("3\u00a0d");
});

test("a clock that is behind the server's shows no negative age", () => {
  expect(age("2026-01-02T00:00:05Z", Date.parse("2026-01-02T00:00:00Z"))).toBe("now");
});

test("a probability that is not certain is never shown as certain", () => {
  expect(percent(0.9999)).toBe(">\u00a099\u00a0%");
  expect(percent(0.0001)).toBe("<\u00a01\u00a0%");
  expect(percent(1)).toBe("100\u00a0%");
  expect(percent(0)).toBe("0\u00a0%");
  expect(percent(0.814)).toBe("81\u00a0%");
});

test("times and sizes take the unit that suits them", () => {
  expect(seconds(0.012)).toBe("12\u00a0ms");
  expect(seconds(1.234)).toBe("1.23\u00a0s");
  expect(bytes(512)).toBe("512\u00a0B");
  expect(bytes(1_500_000)).toBe("1.5\u00a0MB");
  expect(bytes(0)).toBe("0\u00a0B");
});

test("a half sentence of the server's becomes a sentence", () => {
  expect(sentence("the photograph is ungradable")).toBe("The photograph is ungradable.");
  expect(sentence("Already one.")).toBe("Already one.");
  expect(sentence("")).toBe("");
});

test("a DICOM name is written as people write it", () => {
  expect(personName("Doe^Jane^Q^Dr")).toBe("Doe, Jane Q");
  expect(personName("Yamada^Tarou=山田^太郎")).toBe("Yamada, Tarou");
  expect(personName("=山田^太郎")).toBe("山田, 太郎");
  expect(personName("JANCT000")).toBe("JANCT000");
});

test("a measurement has the digits its unit is worth", () => {
  expect(quantity(1.6234, "ml")).toBe("1.62\u00a0ml");
  expect(span(1.4949, 1.75, "ml")).toBe("1.49–1.75");
  expect(quantity(4, "1")).toBe("4");
  expect(figure(0.000123456, null)).toBe("0.000123");
});

test("a count is grouped as the catalogue's language does it", () => {
  expect([0, 999, 1000, 12_345, 1_234_567].map(whole)).toEqual(["0", "999", "1,000", "12,345", "1,234,567"]);
});
