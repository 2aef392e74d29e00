import { expect, test } from "vitest";

import type { ImageReading } from "../api/types";
import { unfamiliar } from "./familiarity";

type Familiarity = NonNullable<ImageReading["familiarity"]>;

const usual: Familiarity = { score: 1, limit: 1.5, familiar: true, parts: {}, camera: null, camera_known: null };
const image = (familiarity: Familiarity | null): ImageReading => ({
  sop_instance_uid: "2.25.1",
  laterality: "R",
  quality: { gradable: true, score: 0.9, reasons: [] },
  abstained: false,
  explanation: null,
  artifacts: [],
  familiarity,
});

test("nothing is said of a usual picture, nor where nothing is known", () => {
  expect(unfamiliar({ images: [image(usual), image(null)] })).toBeNull();
});

const far = { ...usual, score: 2.345, familiar: false, parts: { content: 0.9, rendition: 2.345 } };

test("a picture beyond the limit is told with its eye and figures", () => {
  const told = unfamiliar({ images: [image(usual), image(far)] });
  expect(told?.title).toBe("Outside the cameras it was trained on");
  expect(told?.sentences).toEqual([
    "Right eye: unlike the training photographs in colours, light or frame (2.35; up to 1.50 is usual).",
  ]);
});

test("the right eye is told first, and what holds of both eyes once", () => {
  const left: ImageReading = { ...image(far), laterality: "L" };
  expect(unfamiliar({ images: [left, image(far)] })?.sentences).toEqual([
    "Both eyes: unlike the training photographs in colours, light or frame (2.35 and 2.35; up to 1.50 is usual).",
  ]);
  const other = { ...left, familiarity: { ...far, parts: { content: 2.5 } } };
  expect(unfamiliar({ images: [other, image(far)] })?.sentences).toEqual([
    "Right eye: unlike the training photographs in colours, light or frame (2.35; up to 1.50 is usual).",
    "Left eye: unlike the training photographs in content (2.35; up to 1.50 is usual).",
  ]);
});

test("another camera is told by its name, however usual its picture", () => {
  const told = unfamiliar({ images: [image({ ...usual, camera: "NW400", camera_known: false })] });
  expect(told?.sentences).toEqual(["Right eye: taken with “NW400”, a camera that the model was not trained on."]);
});

test("a strange picture of the very camera is not said to be of another", () => {
  const strange = { ...far, camera: "VX-10 alpha", camera_known: true };
  expect(unfamiliar({ images: [image(strange)] })?.title).toBe("Unlike the pictures it was trained on");
});
