/** What became of readings that were to be assigned, as the dialog tells it. */
import type { Assignments } from "../api/worklist";
import { t } from "../text/messages";

/** Rows that another reader holds can be taken over; the others stay, counted by the reason. */
export type Outcome = { assigned: number; held: string[]; reasons: [string, number][] };

const ANOTHERS = "assigned_to_another";

export function outcomeOf(answer: Assignments): Outcome {
  const held = answer.conflicts.filter((row) => row.code === ANOTHERS).map((row) => row.row_id);
  const counted = new Map<string, number>();
  const count = (why: string): unknown => counted.set(why, (counted.get(why) ?? 0) + 1);
  for (const row of answer.conflicts) if (row.code !== ANOTHERS) count(row.detail.toLowerCase().replace(/\.$/, ""));
  answer.not_found.forEach(() => count(t.assign.gone));
  return { assigned: answer.assigned.length, held, reasons: [...counted] };
}
