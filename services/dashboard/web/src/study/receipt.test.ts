import { expect, test } from "vitest";

import type { Result } from "../api/types";
import { chosenSeries, parameterNumber, parameterSentences, plausibleSpan } from "./receipt";

const saying = (parameters: unknown): Result => ({ receipt: { parameters } }) as unknown as Result;

test("the series that was read and the reasons against the others are told", () => {
  const series_not_read = [
    { series_number: 1, code: "wrong_contrast", reason: "it is T2" },
    { series_number: null, code: "geometry_gap" },
  ];
  expect(chosenSeries(saying({ series_number: 2, weighting: "T1", series_not_read }))).toEqual({
    number: 2,
    weighting: "T1",
    skipped: [
      { number: 1, reason: "it is T2" },
      { number: null, reason: "geometry_gap" },
    ],
  });
});

test("notes are sentences, plain or with a code", () => {
  const notes = ["one dead coil was left out", { code: "oblique", sentence: "the slices are oblique" }, 7];
  expect(parameterSentences(saying({ notes }), "notes")).toEqual([
    "one dead coil was left out",
    "the slices are oblique",
  ]);
});

test("a receipt that says nothing, or something else, is taken as silent", () => {
  for (const silent of [
    saying(undefined),
    saying([]),
    saying({ series_number: undefined, plausible_ml: "2-5", quality_threshold: "0.7" }),
  ]) {
    expect(chosenSeries(silent)).toBeNull();
    expect(plausibleSpan(silent)).toBeNull();
    expect(parameterNumber(silent, "quality_threshold")).toBeNull();
    expect(parameterSentences(silent, "notes")).toEqual([]);
  }
});

test("the usual volumes are a pair of numbers", () => {
  expect(plausibleSpan(saying({ plausible_ml: [2, 5] }))).toEqual([2, 5]);
});
