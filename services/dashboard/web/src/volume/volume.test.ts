import { describe, expect, it } from "vitest";

import { readNifti } from "../picture/nifti";
import { begin, dab, drag, drawingOf, redo, undo, type Drawing } from "./drawing";
import { distanceMm, middleOf, toFile, toGrid, voxelMl, type Grid } from "./grid";
import { differenceOf, parsed, withRuns } from "./kept";
import { labelFile } from "./labelFile";
import { shadesOf } from "./shades";
import { windowOf } from "./windows";

/** A file that counts its first axis to the left and its third before its second. */
const TURNED: Grid = { size: [2, 2, 3], spacing: [1, 2, 0.5], start: 1, step: [-1, 6, 2] };

function blank(): Drawing {
  return drawingOf([5, 5, 3], [1, 1, 2], new Uint8Array(75));
}

describe("grids", () => {
  it("brings labels there and back", () => {
    const file = Uint8Array.from({ length: 12 }, (_, place) => place);
    const labels = toGrid(TURNED, file);
    expect([...labels.slice(0, 4)]).toEqual([1, 0, 7, 6]);
    expect(toFile(TURNED, labels)).toEqual(file);
  });
  it("measures in millimetres and millilitres", () => {
    expect(voxelMl(TURNED.spacing)).toBe(0.001);
    expect(distanceMm([1, 2, 0.5], [0, 0, 0], [3, 2, 0])).toBe(5);
  });
  it("begins in the middle of what is outlined, else of the image", () => {
    const labels = new Uint8Array(75);
    expect(middleOf([5, 5, 3], labels, new Set([1]))).toEqual([2, 2, 1]);
    labels[0] = labels[4] = 1;
    labels[74] = 2;
    expect(middleOf([5, 5, 3], labels, new Set([1]))).toEqual([2, 0, 0]);
  });
});

describe("shades", () => {
  it("lie as the viewer counts, and are black and white at the ends of the window", () => {
    const values = Int16Array.from({ length: 12 }, (_, place) => 100 * place);
    const shades = shadesOf(TURNED, values, { low: 100, high: 700 });
    const [bright, opaque] = [shades.filter((_, at) => at % 2 === 0), shades.filter((_, at) => at % 2 === 1)];
    expect([...bright.slice(0, 4)]).toEqual([0, 0, 255, 213]);
    expect([...opaque.slice(0, 4)]).toEqual([0, 0, 128, 107]);
  });
  it("show what is no number as black", () => {
    const grid: Grid = { size: [2, 1, 1], spacing: [1, 1, 1], start: 0, step: [1, 2, 2] };
    expect([...shadesOf(grid, Float32Array.of(Number.NaN, 2), { low: 0, high: 1 })]).toEqual([0, 0, 255, 128]);
  });
});

describe("a brush", () => {
  it("is round, stays in its slice, and counts", () => {
    const drawing = blank();
    begin(drawing, 2);
    dab(drawing, [2, 2, 1], 2, 1);
    expect(drawing.counts[2]).toBe(5);
    expect(drawing.labels.slice(25, 50).filter((label) => label === 2)).toHaveLength(5);
  });
  it("knows that slices are farther apart than voxels", () => {
    const drawing = blank();
    begin(drawing, 1);
    dab(drawing, [2, 2, 1], 0, 1.5);
    expect(drawing.counts[1]).toBe(3);
  });
  it("paints one voxel at least, and none outside", () => {
    const drawing = blank();
    begin(drawing, 1);
    dab(drawing, [0, 0, 0], 2, 0.1);
    dab(drawing, [4, 4, 2], 2, 1);
    expect(drawing.counts[1]).toBe(4);
  });
  it("leaves no gap where the hand was quick", () => {
    const drawing = blank();
    begin(drawing, 1);
    drag(drawing, [0, 0, 0], [4, 4, 0], 2, 0.1);
    expect(drawing.counts[1]).toBe(4);
  });
  it("takes back a whole stroke, and does it again", () => {
    const drawing = blank();
    begin(drawing, 1);
    dab(drawing, [1, 1, 0], 2, 1);
    begin(drawing, 0);
    dab(drawing, [1, 1, 0], 2, 0.1);
    dab(drawing, [0, 1, 0], 2, 0.1);
    expect(drawing.counts[1]).toBe(3);
    expect([undo(drawing), drawing.counts[1]]).toEqual([true, 5]);
    expect([undo(drawing), undo(drawing), drawing.counts[1], drawing.counts[0]]).toEqual([true, false, 0, 75]);
    expect([redo(drawing), redo(drawing), redo(drawing), drawing.counts[1]]).toEqual([true, true, false, 3]);
  });
  it("forgets what could be done again once something else is drawn", () => {
    const drawing = blank();
    begin(drawing, 1);
    dab(drawing, [1, 1, 0], 2, 1);
    undo(drawing);
    begin(drawing, 2);
    expect(redo(drawing)).toBe(false);
  });
});

describe("strokes that are not saved", () => {
  const base = Uint8Array.from([0, 0, 1, 1, 0, 2]);
  it("are kept as what differs, and laid over the outline again", () => {
    const labels = Uint8Array.from([3, 3, 1, 0, 0, 1]);
    const runs = differenceOf(base, labels);
    expect(runs).toEqual([0, 2, 3, 3, 1, 0, 5, 1, 1]);
    expect(withRuns(base, runs)).toEqual(labels);
  });
  it.each(["{", "null", '{"base": null, "runs": [-1]}', '{"base": 1, "runs": []}'])("are not read from %s", (stored) => {
    expect(parsed(stored)).toBeNull();
  });
});

describe("windows", () => {
  const head = Float32Array.from({ length: 1000 }, (_, at) => (at < 500 ? 0 : at - 500));
  it("leave out air and what is brightest", () => {
    const auto = windowOf("auto", head);
    expect(auto.low).toBeGreaterThan(25);
    expect(auto.high).toBeLessThan(499);
  });
  it("are the whole span where all is wanted, and have a width over nothing", () => {
    expect(windowOf("wide", head)).toEqual({ low: 0, high: 499 });
    expect(windowOf("auto", [7, 7, 7])).toEqual({ low: 7, high: 8 });
  });
});

describe("a label file", () => {
  it("lies where the model's does and holds other labels", async () => {
    const original = new ArrayBuffer(352 + 8);
    const header = new DataView(original);
    header.setInt32(0, 348, true);
    [3, 2, 2, 2, 1, 1, 1, 1].forEach((size, axis) => header.setInt16(40 + 2 * axis, size, true));
    header.setInt16(70, 2, true);
    header.setFloat32(108, 352, true);
    header.setFloat32(280, -1, true);
    new Uint8Array(original).set([0x6e, 0x2b, 0x31], 344);
    const file = await labelFile(original, Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]));
    const read = await readNifti(await file.arrayBuffer());
    expect([...read.values]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(read.affine[0]?.[0]).toBe(-1);
  });
});
