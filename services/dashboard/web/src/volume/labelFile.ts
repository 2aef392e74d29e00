/** A corrected outline as the file it is saved in: the model's own file with other labels, so that it lies in the same place. */
import { unpacked } from "../picture/nifti";

/** nifti1.h: where the values begin. */
const VOX_OFFSET = 108;

/** `labels` in the file's order -> a `.nii.gz` with the header of `original`. */
export async function labelFile(original: ArrayBuffer, labels: Uint8Array): Promise<Blob> {
  const bytes = new Uint8Array((await unpacked(original)).slice(0));
  bytes.set(labels, new DataView(bytes.buffer).getFloat32(VOX_OFFSET, true));
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Blob([await new Response(packed).arrayBuffer()], { type: "application/gzip" });
}
