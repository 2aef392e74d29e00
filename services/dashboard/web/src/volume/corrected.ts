/** What a corrected outline makes of the volumes: the verdict form begins with it. */
import type { Mask } from "../api/masks";
import type { Finding } from "../api/types";
import { fieldKey, type Answers } from "../study/edits";
import { figure } from "../text/format";
import type { Structure } from "./structures";

const UNIT = "ml";
/** As the server rounds: told only where fewer digits would not tell the volume from the machine's. */
const DIGITS = 4;

/**
 * The volumes of those structures whose outline is no longer the model's.
 *
 * A model may count on a grid of its own, so its volume is scaled as the outline grew or shrank on this one: the count
 * alone could tell a smaller volume of a larger outline.
 */
export function correctedAnswers(
  mask: Pick<Mask, "volumes">,
  structures: readonly Structure[],
  modelled: ReadonlyMap<number, number>,
  findings: readonly Finding[],
): Answers {
  const answers: Record<string, string> = {};
  mask.volumes.forEach((one, place) => {
    const before = modelled.get(structures[place]?.number ?? 0) ?? 0;
    if (one.voxels === before) return;
    const key = fieldKey(one.label, one.laterality);
    const machine = findings.find((found) => fieldKey(found.label, found.laterality ?? null) === key)?.value;
    const scaled = typeof machine === "number" && before > 0 ? (machine * one.voxels) / before : one.value;
    answers[key] = written(scaled, typeof machine === "number" ? machine : null);
  });
  return answers;
}

/** With the digits that the machine's volumes are shown with; what reads as the machine's own stands for that. */
function written(volume: number, machine: number | null): string {
  const short = figure(volume, UNIT);
  return machine !== null && short === figure(machine, UNIT) ? volume.toFixed(DIGITS) : short;
}
