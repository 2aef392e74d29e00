import { expect, test } from "vitest";

import type { Instance, StudyDetail } from "../api/types";
import { photographsBySide } from "./photographs";

const instance = (id: string, part: Partial<Instance>): Instance => ({
  id,
  sop_instance_uid: `2.25.${id}`,
  sop_class_uid: "1.2.840.10008.5.1.4.1.1.77.1.5.1",
  laterality: null,
  instance_number: null,
  rows: 1000,
  columns: 1500,
  frames: 1,
  conflict: false,
  flag: null,
  received_at: "2026-01-01T00:00:00Z",
  ...part,
});

const study = (instances: Instance[]): StudyDetail =>
  ({ series: [{ id: "s", modality: "OP", laterality: null, instances }] }) as unknown as StudyDetail;

test("the right eye comes first, as one looks at the patient", () => {
  const groups = photographsBySide(
    study([instance("1", { laterality: "L" }), instance("2", { laterality: "R" })]),
    null,
  );
  expect(groups.map((group) => group.side)).toEqual(["R", "L"]);
});

test("a conflicting copy under the same UID is not shown as what the model read", () => {
  const groups = photographsBySide(study([instance("1", {}), instance("2", { conflict: true })]), null);
  expect(groups.flatMap((group) => group.photographs.map((one) => one.instanceId))).toEqual(["1"]);
});

test("what holds no picture is left out", () => {
  expect(photographsBySide(study([instance("1", { rows: null })]), null)).toEqual([]);
});
