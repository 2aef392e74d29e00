/** Reads volumes beside the page: what is inflated and copied here does not keep it from answering. */
import { readNifti, type Volume } from "./nifti";

export type Asked = { number: number; file: ArrayBuffer };
export type Answered = { number: number; volume: Volume } | { number: number; why: string };

addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  const { number, file } = data;
  readNifti(file).then(
    (volume) => {
      const answer: Answered = { number, volume };
      postMessage(answer, { transfer: [volume.values.buffer as ArrayBuffer] });
    },
    (error: unknown) => {
      const answer: Answered = { number, why: error instanceof Error ? error.message : String(error) };
      postMessage(answer);
    },
  );
});
