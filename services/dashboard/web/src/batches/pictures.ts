/** Which of a result's pictures are shown beside those of another: each photograph with its map, or a preview. */
import type { ChangeSide } from "../api/overnight";
import { t } from "../text/messages";

export type SidePicture = { url: string; side: string };

/** Slices of a reconstruction shown beside the other's: the middle says most. */
const MOST_PANELS = 1;

export function picturesOf(side: ChangeSide): SidePicture[] {
  const pictures = side.artifacts.filter((one) => one.media_type.startsWith("image/"));
  const ofKind = (kind: string): typeof pictures => pictures.filter((one) => one.kind === kind);
  const overlays = ofKind("overlay").map((artifact) => ({
    url: artifact.url,
    side: t.eyes[side.images.find((image) => image.artifacts.includes(artifact.name))?.laterality ?? "none"],
  }));
  if (overlays.length > 0) return overlays;
  const plain = [...ofKind("preview"), ...middle(ofKind("panel"))];
  return plain.map(({ url, kind }) => ({ url, side: t.images.titles[kind === "preview" ? "preview" : "panel"] }));
}

function middle<Item>(items: readonly Item[]): Item[] {
  const from = Math.floor((items.length - MOST_PANELS) / 2);
  return items.slice(Math.max(0, from), Math.max(0, from) + MOST_PANELS);
}
