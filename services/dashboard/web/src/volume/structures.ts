/** What each label of an outline means, as the file of segments beside it says (pipelines/imaging/segments.py). */
import type { Laterality } from "../api/types";

export type Structure = {
  number: number;
  name: string;
  laterality: Laterality | null;
  colour: readonly [number, number, number];
};

type Stored = { segments: readonly { number: number; label: string; laterality: Laterality | null }[] };

/** Told apart by most people who see fewer colours (Okabe and Ito 2008); the first two are those of the preview. */
const COLOURS: Structure["colour"][] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [213, 94, 0],
  [204, 121, 167],
  [0, 114, 178],
];

export function structuresOf(file: ArrayBuffer): Structure[] {
  const { segments } = JSON.parse(new TextDecoder().decode(file)) as Stored;
  return segments.map((segment, place) => ({
    number: segment.number,
    name: segment.label,
    laterality: segment.laterality,
    colour: COLOURS[place % COLOURS.length] ?? [255, 255, 255],
  }));
}
