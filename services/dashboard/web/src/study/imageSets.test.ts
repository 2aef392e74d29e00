import { expect, test } from "vitest";

import type { Instance, Result, StudyDetail } from "../api/types";
import { beginning, imageSets, stepped } from "./imageSets";

const instance = (id: string, instance_number: number | null, part: Partial<Instance> = {}): Instance =>
  ({ id, sop_instance_uid: id, instance_number, conflict: false, ...part }) as Instance;

const series = (id: string, modality: string, instances: Instance[], derived_from: string | null = null) => ({
  id,
  modality,
  description: null,
  derived_from,
  instances,
});

const study = (...all: ReturnType<typeof series>[]): StudyDetail => ({ series: all }) as unknown as StudyDetail;

const artifact = (name: string, kind: string, media_type = "image/png") => ({
  name,
  kind,
  media_type,
  bytes: 1,
  sha256: "",
});

const result = {
  id: "r",
  artifacts: [
    artifact("panel-10.png", "panel"),
    artifact("panel-2.png", "panel"),
    artifact("volume.nii.gz", "volume", "application/x-nifti"),
  ],
  receipt: {
    parameters: {
      panels: [
        { name: "panel-10.png", slice: 40, flagged: 2 },
        { name: "panel-2.png", slice: 8, flagged: 0 },
      ],
    },
  },
} as unknown as Result;

test("the result's own pictures come before the images of the study", () => {
  const sets = imageSets(
    study(series("raw", "MR", [instance("a", 1)]), series("made", "MR", [instance("b", 1)], "r")),
    result,
  );
  expect(sets.map((set) => [set.id, set.title])).toEqual([
    ["panel", "Reconstruction"],
    ["raw", "Series 1: MR"],
    ["made", "Series 2: MR, reconstructed"],
  ]);
});

test("panels stand in the order of their numbers and say their slice", () => {
  const [panels] = imageSets(study(), result);
  expect(panels?.images.map((image) => [image.id, image.note, image.flagged])).toEqual([
    ["panel-2.png", "slice 8", 0],
    ["panel-10.png", "slice 40", 2],
  ]);
});

test("one begins where something is marked, else in the middle", () => {
  const [panels] = imageSets(study(), result);
  expect(panels && beginning(panels)).toBe(1);
  const [images] = imageSets(
    study(
      series(
        "s",
        "MR",
        [1, 2, 3].map((number) => instance(`i${number}`, number)),
      ),
    ),
    null,
  );
  expect(images && beginning(images)).toBe(1);
});

test("slices stand in the order of their numbers, without conflicting copies", () => {
  const slices = [instance("c", 3), instance("a", 1), instance("x", 2, { conflict: true }), instance("b", 2)];
  const [set] = imageSets(study(series("s", "MR", slices)), null);
  expect(set?.images.map((image) => image.id)).toEqual(["a", "b", "c"]);
  expect(set && [stepped(set, 0, -1), stepped(set, 2, 1), stepped(set, 9, 0)]).toEqual([0, 2, 2]);
});

test("raw data is called so", () => {
  const raw = instance("k", null, { sop_class_uid: "2.25.143263371810091117864506379262564251613" });
  expect(imageSets(study(series("s", "MR", [raw])), null)[0]?.title).toBe("Series 1: raw MRI data");
});

test("reports and outlines hold no picture of their own", () => {
  expect(
    imageSets(study(series("sr", "SR", [instance("a", 1)]), series("seg", "SEG", [instance("b", 1)])), null),
  ).toEqual([]);
});
