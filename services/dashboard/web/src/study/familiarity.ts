/** Which pictures of a result the model was not made for, and what is said of each. */
import type { ImageReading, Result } from "../api/types";
import { t } from "../text/messages";

export type Unfamiliar = { title: string; sentences: string[] };

/** Null where every picture is like those the model was trained on, or where nothing is known of it. */
export function unfamiliar(result: Pick<Result, "images">): Unfamiliar | null {
  const marked = result.images.filter(
    ({ familiarity: one }) => one && (!one.familiar || one.camera_known === false),
  );
  if (marked.length === 0) return null;
  const onlyKnown = marked.every((image) => image.familiarity?.camera_known === true);
  return {
    title: onlyKnown ? t.familiarity.titleKnownCamera : t.familiarity.title,
    sentences: [...new Set(marked.flatMap(sentencesOf))],
  };
}

function sentencesOf(image: ImageReading): string[] {
  const { familiarity: one } = image;
  if (!one) return [];
  const where = t.eyes[image.laterality ?? "none"];
  const camera = one.camera && one.camera_known === false ? [t.familiarity.otherCamera(where, one.camera)] : [];
  if (one.familiar) return camera;
  const beyond = Object.keys(one.parts).filter((part) => (one.parts[part] ?? 0) > one.limit);
  const parts = beyond.map((part) => t.familiarity.parts[part] ?? part).join(" and in ");
  return [...camera, t.familiarity.unlike(where, parts, one.score, one.limit)];
}
