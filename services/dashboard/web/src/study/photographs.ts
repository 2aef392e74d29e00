/** Which photographs a study shows, and what the machine said of each. */
import type { ImageReading, Laterality, Result, StudyDetail } from "../api/types";

export type Side = "R" | "L" | "none";
export type Photograph = {
  instanceId: string;
  side: Side;
  rows: number;
  columns: number;
  flag: string | null;
  reading: ImageReading | null;
};
export type SidePhotographs = { side: Side; photographs: Photograph[] };

/** The right eye stands on the left, as one looks at the patient. */
const ORDER: readonly Side[] = ["R", "L", "none"];

function sideOf(laterality: string | null | undefined): Side {
  return laterality === "R" || laterality === "L" ? laterality : "none";
}

/** The study's photographs by eye; what lies in a conflict under the same UID is not what the model read. */
export function photographsBySide(study: StudyDetail, result: Result | null): SidePhotographs[] {
  const readings = new Map(result?.images.map((image) => [image.sop_instance_uid, image]));
  const photographs = study.series.flatMap((series) =>
    series.instances
      .filter((instance) => instance.rows !== null && instance.columns !== null && !instance.conflict)
      .map((instance): Photograph => {
        const reading = readings.get(instance.sop_instance_uid) ?? null;
        return {
          instanceId: instance.id,
          side: sideOf(reading?.laterality ?? instance.laterality ?? series.laterality),
          rows: instance.rows ?? 1,
          columns: instance.columns ?? 1,
          flag: instance.flag,
          reading,
        };
      }),
  );
  return ORDER.map((side) => ({ side, photographs: photographs.filter((one) => one.side === side) })).filter(
    (group) => group.photographs.length > 0,
  );
}

/** The eyes a result speaks of, right first; `null` (the patient) where no finding names a side. */
export function eyesOf(result: Result): (Laterality | null)[] {
  const sides = new Set(result.findings.map((one) => one.laterality));
  const eyes = (["R", "L", "B"] as const).filter((side) => sides.has(side));
  return eyes.length > 0 ? eyes : [null];
}
