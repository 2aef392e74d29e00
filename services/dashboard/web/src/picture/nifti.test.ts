import { expect, test } from "vitest";

import { NotNifti, planeOf, readNifti } from "./nifti";

/** As nibabel writes it: header, four bytes that say "no extensions", voxels. */
function file(type: number, voxels: ArrayBuffer, { slope = NaN, slices = 2 } = {}): ArrayBuffer {
  const bytes = new ArrayBuffer(352 + voxels.byteLength);
  const header = new DataView(bytes);
  header.setInt32(0, 348, true);
  [3, 3, 2, slices].forEach((size, place) => header.setInt16(40 + 2 * place, size, true));
  header.setInt16(70, type, true);
  [1, 0.5, 0.75, 2].forEach((size, place) => header.setFloat32(76 + 4 * place, size, true));
  header.setFloat32(108, 352, true);
  header.setFloat32(112, slope, true);
  header.setFloat32(116, 10, true);
  [0.5, 0, 0, -7].forEach((value, place) => header.setFloat32(280 + 4 * place, value, true));
  new Uint8Array(bytes).set([...("n+1\0")].map((letter) => letter.charCodeAt(0)), 344);
  new Uint8Array(bytes).set(new Uint8Array(voxels), 352);
  return bytes;
}

async function gzipped(bytes: ArrayBuffer): Promise<ArrayBuffer> {
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
}

const TWELVE = Float32Array.from({ length: 12 }, (_, place) => place / 2);

test("a compressed volume is read with its shape, spacing and place in the patient", async () => {
  const volume = await readNifti(await gzipped(file(16, TWELVE.buffer)));
  expect([volume.width, volume.height, volume.slices]).toEqual([3, 2, 2]);
  expect(volume.spacing).toEqual([0.5, 0.75, 2]);
  expect(volume.affine[0]).toEqual([0.5, 0, 0, -7]);
  expect([...volume.values]).toEqual([...TWELVE]);
});

test("a slice holds its own lines and shares the volume's memory", async () => {
  const volume = await readNifti(file(16, TWELVE.buffer));
  const plane = planeOf(volume, 1);
  expect([...plane.values]).toEqual([3, 3.5, 4, 4.5, 5, 5.5]);
  expect(plane.values.buffer).toBe(volume.values.buffer);
});

test("labels stay whole numbers", async () => {
  const labels = Uint8Array.from([0, 1, 2, 0, 1, 2, 0, 0, 0, 2, 2, 2]);
  expect((await readNifti(file(2, labels.buffer))).values).toEqual(labels);
});

test("stored numbers are scaled where the file says so", async () => {
  const stored = Int16Array.from({ length: 12 }, (_, place) => place - 6);
  const { values } = await readNifti(file(4, stored.buffer, { slope: 2 }));
  expect(values[0]).toBe(-2);
  expect(values[11]).toBe(20);
});

test.each([
  ["something else", new ArrayBuffer(400)],
  ["a file cut short", file(16, TWELVE.buffer, { slices: 3 })],
  ["a type of number that nobody writes", file(64, TWELVE.buffer)],
  ["a broken compressed file", Uint8Array.from([0x1f, 0x8b, 8, 0, 1, 2, 3]).buffer],
  ["an empty file", new ArrayBuffer(0)],
])("%s is refused", async (_, bytes) => {
  await expect(readNifti(bytes)).rejects.toThrow(NotNifti);
});
