/** What of an overview needs a person. */
import { expect, test } from "vitest";

import type { Overview, Queue, Worker } from "../api/ops";
import { wants } from "./wants";

const QUEUE: Queue = {
  name: "retinopathy",
  paused: false,
  running_limit: null,
  queued: 0,
  held: 0,
  running: 0,
  busy: 0,
  waiting_since: null,
};
const WORKER: Worker = {
  name: "w1",
  host: "host",
  pid: 1,
  queues: ["retinopathy"],
  device: null,
  version: "0.1.0",
  presence: "here",
  started_at: "2026-11-22T00:00:00Z",
  seen_at: "2026-11-22T00:00:00Z",
  silent_seconds: 0,
  left_at: null,
  jobs: 0,
  job_id: null,
  pipeline: null,
  step: null,
  busy_since: null,
};
const WELL: Overview = {
  at: "2026-11-22T00:00:00Z",
  queues: [QUEUE],
  waiting_since: null,
  workers: [WORKER],
  alarms: [],
  places: [],
  failed: 0,
  quarantined: 0,
  dead_deliveries: 0,
};

test("a system that is well needs nobody", () => {
  expect(wants(WELL)).toEqual([]);
});

test("no worker at all, and a queue that nobody serves, are told once and gravest first", () => {
  const none = wants({ ...WELL, failed: 2, workers: [{ ...WORKER, presence: "lost" }] });
  expect(none.map((want) => [want.tone, want.part])).toEqual([
    ["stat", "queues"],
    ["urgent", "queues"],
    ["urgent", "failures"],
  ]);
  const elsewhere = wants({ ...WELL, queues: [{ ...QUEUE, queued: 1 }], workers: [{ ...WORKER, queues: ["other"] }] });
  expect(elsewhere.map((want) => want.words)).toEqual(["Work waits in retinopathy, and no worker serves it."]);
});

test("room is told with its place, and the alarm about it is not told twice", () => {
  const alarm = {
    id: "1",
    code: "storage_low" as const,
    sentence: "A disk is nearly full.",
    detail: "",
    raised_at: "2026-11-22T00:00:00Z",
    cleared_at: null,
  };
  const place = {
    name: "the disk",
    state: "low" as const,
    total_bytes: 100,
    left_bytes: 10,
    refuse_below_bytes: 5,
    accept_from_bytes: 6,
    warn_below_bytes: 20,
  };
  expect(wants({ ...WELL, alarms: [alarm], places: [place] }).map((want) => want.part)).toEqual(["disk"]);
});
