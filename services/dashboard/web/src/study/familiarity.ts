/** Which pictures of a result the model was not made for, and what is said of each. */
import type { ImageReading, Result } from "../api/types";
import { t } from "../text/messages";

export type Unfamiliar = { title: string; sentences: string[] };

/** Null where every picture is like those the model was trained on, or where nothing is known of it. */
export function unfamiliar(result: Pick<Result, "images">): Unfamiliar | null {
  const marked = result.images
    .filter(({ familiarity: one }) => one && (!one.familiar || one.camera_known === false))
    .sort((one, two) => place(one) - place(two));
  if (marked.length === 0) return null;
  const onlyKnown = marked.every((image) => image.familiarity?.camera_known === true);
  return {
    title: onlyKnown ? t.familiarity.titleKnownCamera : t.familiarity.title,
    sentences: [...new Set([...marked.flatMap(cameraOf), ...unlikeOf(marked)])],
  };
}

const ORDER = "RLB";
const place = (image: ImageReading): number => ORDER.indexOf(image.laterality ?? ORDER);
const whereOf = (image: ImageReading): string => t.eyes[image.laterality ?? "none"];

function cameraOf(image: ImageReading): string[] {
  const { familiarity: one } = image;
  return one?.camera && one.camera_known === false ? [t.familiarity.otherCamera(whereOf(image), one.camera)] : [];
}

/** What holds of both eyes is said once. */
function unlikeOf(marked: readonly ImageReading[]): string[] {
  const told = marked.flatMap((image) => {
    const { familiarity: one } = image;
    if (!one || one.familiar) return [];
    const beyond = Object.keys(one.parts).filter((part) => (one.parts[part] ?? 0) > one.limit);
    return [{ image, one, parts: beyond.map((part) => t.familiarity.parts[part] ?? part).join(" and in ") }];
  });
  const [right, left] = told;
  const isPair = told.length === 2 && right?.image.laterality === "R" && left?.image.laterality === "L";
  if (isPair && right.parts === left.parts && right.one.limit === left.one.limit) {
    return [t.familiarity.unlike(t.eyes.B, right.parts, [right.one.score, left.one.score], right.one.limit)];
  }
  return told.map(({ image, one, parts }) => t.familiarity.unlike(whereOf(image), parts, [one.score], one.limit));
}
