/** The sets of pictures there are to look at: what the result shows first, then the images of the study itself. */
import { API, artifactPath, renderedUrl } from "../api/address";
import type { Instance, Result, StudyDetail } from "../api/types";
import { t } from "../text/messages";
import { panelSlices } from "./receipt";

export type SetImage = {
  id: string;
  url: (width: number) => string;
  alt: string;
  /** What is said of this image beside its number; null where there is nothing to say. */
  note: string | null;
  /** How many areas of it are marked as doubtful. */
  flagged: number;
};
export type ImageSet = { id: string; title: string; what: string | null; images: readonly SetImage[] };

/** Kinds of artifacts that are pictures, in the order in which they are offered. */
const SHOWN = ["preview", "panel"] as const;

export function imageSets(study: StudyDetail, result: Result | null): ImageSet[] {
  const made = result === null ? [] : SHOWN.flatMap((kind) => setOfKind(result, kind));
  return [...made, ...study.series.flatMap((series, place) => setOfSeries(series, place + 1))];
}

function setOfKind(result: Result, kind: (typeof SHOWN)[number]): ImageSet[] {
  const slices = panelSlices(result);
  const artifacts = result.artifacts
    .filter((artifact) => artifact.kind === kind && artifact.media_type.startsWith("image/"))
    .sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
  if (artifacts.length === 0) return [];
  const images = artifacts.map((artifact): SetImage => {
    const url = `${API}${artifactPath(result.id, artifact.name)}`;
    const panel = slices.get(artifact.name);
    const slice = panel?.slice ?? null;
    const note = slice === null ? null : t.images.slice(slice);
    return { id: artifact.name, url: () => url, alt: t.images.alt[kind], note, flagged: panel?.flagged ?? 0 };
  });
  return [{ id: kind, title: t.images.titles[kind], what: t.images.what[kind], images }];
}

/** Objects that hold no picture of the patient: structured reports, segmentations, presentation states. */
const NO_PICTURE: ReadonlySet<string> = new Set(["SR", "SEG", "PR", "KO"]);

function setOfSeries(series: StudyDetail["series"][number], number: number): ImageSet[] {
  const instances = NO_PICTURE.has(series.modality) ? [] : series.instances.filter((one) => !one.conflict);
  if (instances.length === 0) return [];
  const images = [...instances].sort(inOrder).map((instance): SetImage => ({
    id: instance.id,
    url: (width) => renderedUrl(instance.id, width),
    alt: t.images.image(series.modality),
    note: null,
    flagged: 0,
  }));
  const kind = t.images.foreign[instances[0]?.sop_class_uid ?? ""] ?? series.modality;
  const title = t.images.series(number, kind, series.derived_from !== null);
  return [{ id: series.id, title, what: series.description, images }];
}

function inOrder(one: Instance, other: Instance): number {
  const byNumber = (one.instance_number ?? 0) - (other.instance_number ?? 0);
  return byNumber !== 0 ? byNumber : one.sop_instance_uid.localeCompare(other.sop_instance_uid);
}

/** The place to begin at: where something is flagged, else in the middle, which shows more than the edge. */
export function beginning(set: ImageSet): number {
  const flagged = set.images.findIndex((image) => image.flagged > 0);
  return flagged >= 0 ? flagged : Math.floor((set.images.length - 1) / 2);
}

export function stepped(set: ImageSet, place: number, step: number): number {
  return Math.min(set.images.length - 1, Math.max(0, place + step));
}
