/** What a batch says of itself: its mark, how many have ended, when it will be done. */
import { hasEnded, type Batch, type BatchAction, type BatchState } from "../api/overnight";
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

/** What a person may do with it as it stands: stop or start it, and end it. */
export function actionsOf(batch: Batch): BatchAction[] {
  if (batch.state === "paused") return ["resume", "cancel"];
  return hasEnded(batch) ? [] : ["pause", "cancel"];
}

type Counts = { ended: number; all: number; share: number; leftOut: number };

/** How far it is. What ended with a batch that was stopped has not been read, so it counts as left out. */
export function countsOf(batch: Batch): Counts {
  const all = Object.values(batch.items).reduce((sum, count) => sum + count, 0);
  const open = (batch.items["waiting"] ?? 0) + (batch.items["queued"] ?? 0);
  const skipped = batch.items["skipped"] ?? 0;
  const wasStopped = batch.state === "cancelled" || batch.state === "failed";
  const ended = all - open - (wasStopped ? skipped : 0);
  const share = wasStopped ? (all === 0 ? 0 : ended / all) : batch.progress;
  return { ended, all, share, leftOut: skipped };
}

export function doneBy(batch: Batch): string {
  if (batch.finished_at !== null) return t.overnight.ended(dateTime(batch.finished_at));
  if (batch.state === "paused") return t.overnight.notWhilePaused;
  if (batch.expected_at === null) return t.overnight.unknown;
  return t.overnight.expected(dateTime(batch.expected_at), batch.expected_nights);
}

/** Which studies it reads, in words. */
export function queryText(batch: Batch): string {
  const asked = Object.entries(batch.query).map(([name, value]) => t.overnight.asked[name]?.(String(value)) ?? name);
  return asked.length > 0 ? asked.join(", ") : t.overnight.all;
}
