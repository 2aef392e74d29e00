/** Words for a picture that is unlike those the model was trained on. */
export const familiarity = {
  familiarity: {
    title: "Outside the cameras it was trained on",
    titleKnownCamera: "Unlike the pictures it was trained on",
    parts: { content: "content", rendition: "colours, light or frame" } as Record<string, string>,
    unlike: (where: string, parts: string, scores: readonly number[], limit: number) =>
      `${where}: unlike the training photographs in ${parts} (${scores.map((one) => one.toFixed(2)).join(" and ")}; up to ${limit.toFixed(2)} is usual).`,
    otherCamera: (where: string, camera: string) =>
      `${where}: taken with “${camera}”, a camera that the model was not trained on.`,
    means: "Nobody measured how well the model reads such pictures: whatever it says of them needs more care.",
  },
} as const;
