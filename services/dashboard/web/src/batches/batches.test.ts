import { expect, test } from "vitest";

import type { Batch } from "../api/overnight";
import { t } from "../text/messages";
import { actionsOf, countsOf, doneBy } from "./batches";

const batch = (more: Partial<Batch>): Batch =>
  ({
    state: "running",
    items: { waiting: 4, queued: 2, done: 3, failed: 1, skipped: 0 },
    progress: 0.4,
    finished_at: null,
    expected_at: "2026-11-23T06:00:00Z",
    expected_nights: 1,
    ...more,
  }) as unknown as Batch;

test("what has ended is counted, whatever its end was", () => {
  expect(countsOf(batch({}))).toEqual({ ended: 4, all: 10, share: 0.4, leftOut: 0 });
});

test("what ended with a cancelled batch was not read and counts as left out", () => {
  const items = { waiting: 0, queued: 0, done: 1, failed: 0, skipped: 23 };
  const counts = countsOf(batch({ state: "cancelled", items, progress: 1 }));
  expect(counts).toEqual({ ended: 1, all: 24, share: 1 / 24, leftOut: 23 });
});

test("a paused batch says no time, and goes on in the place of the button that paused it", () => {
  expect(doneBy(batch({ state: "paused" }))).toBe(t.overnight.notWhilePaused);
  expect([actionsOf(batch({}))[0], actionsOf(batch({ state: "paused" }))[0]]).toEqual(["pause", "resume"]);
});
