/** A volume's picture in grey: how bright and how opaque each voxel is drawn. */
import type { Grid } from "./grid";
import type { Window } from "./windows";

/** NiiVue's `gray`: white lets half of what is behind it through, in the picture in 3D. */
const OPACITY = 128 / 255;

/** Values in the file's order -> brightness and opacity in the viewer's order, two bytes a voxel. */
export function shadesOf({ size, start, step }: Grid, values: ArrayLike<number>, { low, high }: Window): Uint8Array {
  const shades = new Uint16Array(values.length);
  const greys = Uint16Array.from({ length: 256 }, (_, level) => level | (Math.round(level * OPACITY) << 8));
  const scale = 255 / (high - low);
  let here = 0;
  for (let z = 0; z < size[2]; z += 1) {
    for (let y = 0; y < size[1]; y += 1) {
      let there = start + step[1] * y + step[2] * z;
      for (let x = 0; x < size[0]; x += 1) {
        const level = ((values[there] ?? 0) - low) * scale;
        // A value that is no number compares with nothing, and becomes black.
        shades[here] = greys[level >= 255 ? 255 : level > 0 ? Math.round(level) : 0] ?? 0;
        here += 1;
        there += step[0];
      }
    }
  }
  return new Uint8Array(shades.buffer);
}
