/** What a batch says of itself: its mark, how many have ended, when it will be done. */
import type { Batch, BatchAction, BatchState } from "../api/overnight";
import type { IconName } from "../design/icons";
import type { Tone } from "../design/parts";
import { dateTime } from "../text/format";
import { t } from "../text/messages";

export const STATE_MARKS: Record<BatchState, [IconName, Tone]> = {
  planning: ["waiting", "accent"],
  running: ["running", "accent"],
  waiting: ["waiting", "muted"],
  paused: ["polling", "urgent"],
  cancelled: ["unrouted", "muted"],
  finished: ["signed", "routine"],
  failed: ["failed", "stat"],
};

const ENDED: ReadonlySet<BatchState> = new Set(["cancelled", "finished", "failed"]);

export const hasEnded = (batch: Batch): boolean => ENDED.has(batch.state);

/** What a person may do with it as it stands. */
export function actionsOf(batch: Batch): BatchAction[] {
  if (batch.state === "paused") return ["resume", "cancel"];
  return hasEnded(batch) ? [] : ["pause", "cancel"];
}

export function countsOf(batch: Batch): { ended: number; all: number } {
  const all = Object.values(batch.items).reduce((sum, count) => sum + count, 0);
  const open = (batch.items["waiting"] ?? 0) + (batch.items["queued"] ?? 0);
  return { ended: all - open, all };
}

export function doneBy(batch: Batch): string {
  if (batch.finished_at !== null) return t.overnight.ended(dateTime(batch.finished_at));
  if (batch.expected_at === null) return t.overnight.unknown;
  return t.overnight.expected(dateTime(batch.expected_at), batch.expected_nights);
}

/** Which studies it reads, in words. */
export function queryText(batch: Batch): string {
  const asked = Object.entries(batch.query).map(([name, value]) => t.overnight.asked[name]?.(String(value)) ?? name);
  return asked.length > 0 ? asked.join(", ") : t.overnight.all;
}
