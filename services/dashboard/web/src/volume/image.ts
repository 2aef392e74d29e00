/** A volume that was read already, as NiiVue holds one. */
import { NVImage } from "@niivue/niivue";

import type { Values, Volume } from "../picture/nifti";
import type { Window } from "./windows";

/** The values are not copied; NiiVue itself would look at each twice to guess the window that is given here. */
export function imageOf({ width, height, slices, spacing, affine, values }: Volume, { low, high }: Window): NVImage {
  const image = new NVImage();
  const toMm = [...affine.flat(), 0, 0, 0, 1];
  image.hdr = NVImage.createNiftiHeader([width, height, slices], [...spacing], toMm, typeOf(values));
  image.img = values;
  image.nVox3D = values.length;
  [image.frame4D, image.nFrame4D, image.nTotalFrame4D] = [0, 1, 1];
  image.calculateRAS();
  [image.cal_min, image.robust_min, image.global_min] = [low, low, low];
  [image.cal_max, image.robust_max, image.global_max] = [high, high, high];
  return image;
}

/** nifti1.h: the code of the values' type. */
function typeOf(values: Values): 2 | 4 | 16 {
  if (values instanceof Uint8Array) return 2;
  return values instanceof Int16Array ? 4 : 16;
}
