/** Which kind of result each pipeline gives; what is shown of it and what a reader may correct follow from the kind. */
export type Kind = "eyes" | "volumes" | "reconstruction" | "findings";

const KINDS: Readonly<Record<string, Kind>> = {
  retinopathy: "eyes",
  segmentation: "volumes",
  reconstruction: "reconstruction",
  reconstruction_zero_filled: "reconstruction",
  reconstruction_sense: "reconstruction",
  reconstruction_compressed_sensing: "reconstruction",
};

/** Any other pipeline is a model that somebody added: its findings and pictures are shown as they come. */
export function kindOf(pipeline: string): Kind {
  return KINDS[pipeline] ?? "findings";
}
