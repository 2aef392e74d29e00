/** Where voxels lie: the viewer counts from right to left, front and up alike for every file, the file as it likes. */
export type Triple = readonly [number, number, number];
/** `size` in voxels along the patient's axes (right, anterior, superior), `spacing` in mm. */
export type Grid = {
  size: Triple;
  spacing: Triple;
  /** In the file, the voxel (x, y, z) of this grid is at `start + step[0] x + step[1] y + step[2] z`. */
  start: number;
  step: Triple;
};

type Placed = { dimsRAS?: number[]; pixDimsRAS?: number[]; img2RASstart?: number[]; img2RASstep?: number[] };

/** The grid of an image of the viewer. */
export function gridOf({ dimsRAS, pixDimsRAS, img2RASstart, img2RASstep }: Placed): Grid {
  if (!dimsRAS || !pixDimsRAS || !img2RASstart || !img2RASstep) throw new Error("the volume has no place in space");
  const triple = (numbers: readonly number[], first: number): Triple => [
    numbers[first] ?? 1,
    numbers[first + 1] ?? 1,
    numbers[first + 2] ?? 1,
  ];
  return {
    size: triple(dimsRAS, 1),
    spacing: triple(pixDimsRAS, 1),
    start: img2RASstart.reduce((sum, one) => sum + one, 0),
    step: triple(img2RASstep, 0),
  };
}

/** Millilitres of one voxel. */
export function voxelMl([x, y, z]: Triple): number {
  return (x * y * z) / 1000;
}

export function placeOf(size: Triple, [x, y, z]: Triple): number {
  return x + size[0] * (y + size[1] * z);
}

/** Labels in the file's order -> in the viewer's. */
export function toGrid(grid: Grid, file: ArrayLike<number>): Uint8Array {
  const labels = new Uint8Array(file.length);
  eachVoxel(grid, (here, there) => {
    labels[here] = file[there] ?? 0;
  });
  return labels;
}

/** Labels in the viewer's order -> in the file's. */
export function toFile(grid: Grid, labels: Uint8Array): Uint8Array {
  const file = new Uint8Array(labels.length);
  eachVoxel(grid, (here, there) => {
    file[there] = labels[here] ?? 0;
  });
  return file;
}

function eachVoxel({ size, start, step }: Grid, visit: (here: number, there: number) => void): void {
  let here = 0;
  for (let z = 0; z < size[2]; z += 1) {
    for (let y = 0; y < size[1]; y += 1) {
      let there = start + step[1] * y + step[2] * z;
      for (let x = 0; x < size[0]; x += 1) {
        visit(here, there);
        here += 1;
        there += step[0];
      }
    }
  }
}

/** The middle of what holds one of the labels; the middle of the grid where nothing does. */
export function middleOf(size: Triple, labels: Uint8Array, wanted: ReadonlySet<number>): Triple {
  const sums = [0, 0, 0];
  let count = 0;
  for (let place = 0; place < labels.length; place += 1) {
    // Nearly all of a head has no label: that is looked at before the set is.
    const label = labels[place] ?? 0;
    if (label === 0 || !wanted.has(label)) continue;
    const row = Math.floor(place / size[0]);
    sums[0] = (sums[0] ?? 0) + (place % size[0]);
    sums[1] = (sums[1] ?? 0) + (row % size[1]);
    sums[2] = (sums[2] ?? 0) + Math.floor(row / size[1]);
    count += 1;
  }
  const middle = (axis: 0 | 1 | 2): number => Math.round(count > 0 ? (sums[axis] ?? 0) / count : (size[axis] - 1) / 2);
  return [middle(0), middle(1), middle(2)];
}

/** The nearest voxel that is inside. */
export function inside(size: Triple, [x, y, z]: Triple): Triple {
  const held = (value: number, count: number): number => Math.min(count - 1, Math.max(0, Math.round(value)));
  return [held(x, size[0]), held(y, size[1]), held(z, size[2])];
}

/** Millimetres between two voxels. */
export function distanceMm(spacing: Triple, from: Triple, to: Triple): number {
  return Math.hypot(...spacing.map((step, axis) => step * ((to[axis] ?? 0) - (from[axis] ?? 0))));
}
