/** Reads a NIfTI-1 volume as Overread writes it (`.nii.gz`), in the browser and without a library. */
export type Values = Float32Array | Uint8Array | Int16Array;
/** `values` run along x first, then y, then z: the voxel (x, y, z) is at `x + width * (y + height * z)`. */
export type Volume = {
  width: number;
  height: number;
  slices: number;
  /** Millimetres from one voxel to the next along x, y and z. */
  spacing: readonly [number, number, number];
  /** The three rows that take a voxel's place to millimetres in the patient: right, anterior, superior. */
  affine: readonly (readonly number[])[];
  values: Values;
};
/** Width and height in voxels, and each voxel's value, line after line. */
export type Plane = { width: number; height: number; values: Values };

export class NotNifti extends Error {}

// nifti1.h: where the fields of the header lie, in bytes.
const HEADER_BYTES = 348;
const DIM = 40;
const DATATYPE = 70;
const PIXDIM = 76;
const VOX_OFFSET = 108;
const SCL_SLOPE = 112;
const SCL_INTER = 116;
const SROW_X = 280;
const MAGIC = 344;
const SINGLE_FILE = "n+1";
const FLOAT_BYTES = 4;
/** nifti1.h: the types that Overread writes, by their code. */
const TYPES: Readonly<Record<number, { bytes: number; take: (buffer: ArrayBuffer) => Values }>> = {
  2: { bytes: 1, take: (buffer) => new Uint8Array(buffer) },
  4: { bytes: 2, take: (buffer) => new Int16Array(buffer) },
  16: { bytes: 4, take: (buffer) => new Float32Array(buffer) },
};
/** RFC 1952 section 2.3.1. */
const GZIP = [0x1f, 0x8b] as const;

/** The volume in a `.nii` or `.nii.gz`; throws NotNifti for anything else. Later dimensions than the third are not read. */
export async function readNifti(file: ArrayBuffer): Promise<Volume> {
  const bytes = await unpacked(file);
  const header = new DataView(bytes);
  if (bytes.byteLength < HEADER_BYTES || magicOf(bytes) !== SINGLE_FILE) throw new NotNifti("not a NIfTI-1 file");
  if (header.getInt32(0, true) !== HEADER_BYTES) throw new NotNifti("the numbers of the file are in another order");
  const size = (axis: number): number => header.getInt16(DIM + 2 * axis, true);
  const [width, height, slices] = [size(1), size(2), size(3)];
  const type = TYPES[header.getInt16(DATATYPE, true)];
  if (type === undefined) throw new NotNifti("a type of number that is not shown here");
  const start = header.getFloat32(VOX_OFFSET, true);
  const end = start + width * height * slices * type.bytes;
  if (Math.min(width, height, slices) < 1 || end > bytes.byteLength) throw new NotNifti("the file is cut short");
  const at = (place: number): number => header.getFloat32(place, true);
  const step = (axis: number): number => at(PIXDIM + FLOAT_BYTES * axis);
  return {
    width,
    height,
    slices,
    spacing: [step(1), step(2), step(3)],
    affine: [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => at(SROW_X + FLOAT_BYTES * (4 * row + column)))),
    values: scaled(type.take(bytes.slice(start, end)), at(SCL_SLOPE), at(SCL_INTER)),
  };
}

/** One slice across z, without a copy of its values. */
export function planeOf(volume: Volume, slice: number): Plane {
  const { width, height } = volume;
  return { width, height, values: volume.values.subarray(width * height * slice, width * height * (slice + 1)) };
}

/** The bytes of a file that may be compressed; throws NotNifti where it ends early. */
export async function unpacked(file: ArrayBuffer): Promise<ArrayBuffer> {
  return isGzip(file) ? inflated(file) : file;
}

function isGzip(file: ArrayBuffer): boolean {
  const [first, second] = new Uint8Array(file, 0, Math.min(2, file.byteLength));
  return first === GZIP[0] && second === GZIP[1];
}

async function inflated(file: ArrayBuffer): Promise<ArrayBuffer> {
  try {
    return await new Response(new Blob([file]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  } catch {
    throw new NotNifti("the file is cut short");
  }
}

function magicOf(bytes: ArrayBuffer): string {
  return String.fromCharCode(...new Uint8Array(bytes, MAGIC, SINGLE_FILE.length));
}

/** The stored numbers as they are meant; a slope that is missing or zero means that they are so already. */
function scaled(stored: Values, slope: number, intercept: number): Values {
  if (!Number.isFinite(slope) || slope === 0 || (slope === 1 && intercept === 0)) return stored;
  const shift = Number.isFinite(intercept) ? intercept : 0;
  return Float32Array.from(stored, (value) => value * slope + shift);
}
