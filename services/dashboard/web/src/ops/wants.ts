/** What of an overview needs a person, the gravest first, and where to look. */
import type { Overview } from "../api/ops";
import { bytes } from "../text/format";
import { t } from "../text/messages";

export type Want = { tone: "stat" | "urgent"; words: string; part: keyof typeof t.ops.parts | null };

export function total(seen: Overview, figure: "queued" | "running" | "held"): number {
  return seen.queues.reduce((sum, queue) => sum + queue[figure], 0);
}

export function wants(seen: Overview): Want[] {
  const found = [...roomWants(seen), ...alarmWants(seen), ...workerWants(seen), ...countWants(seen)];
  return [...found.filter((want) => want.tone === "stat"), ...found.filter((want) => want.tone !== "stat")];
}

function roomWants(seen: Overview): Want[] {
  return seen.places
    .filter((place) => place.state !== "ok")
    .map((place) => ({
      tone: place.state === "full" ? "stat" : "urgent",
      words: t.ops.overview.low(place.name, bytes(place.left_bytes)),
      part: "disk",
    }));
}

/** Alarms about room are told with the place that they are about. */
function alarmWants(seen: Overview): Want[] {
  return seen.alarms
    .filter((alarm) => !alarm.code.startsWith("storage_"))
    .map((alarm) => ({ tone: "stat", words: alarm.sentence, part: null }));
}

function workerWants(seen: Overview): Want[] {
  const words = t.ops.overview;
  const here = seen.workers.filter((worker) => worker.presence === "here");
  const lost = seen.workers.filter((worker) => worker.presence === "lost").map((worker) => worker.name);
  const unserved = seen.queues.filter(
    (queue) => queue.queued > 0 && !queue.paused && !here.some((worker) => worker.queues.includes(queue.name)),
  );
  const found: Want[] =
    here.length === 0
      ? [{ tone: "stat", words: words.none, part: "queues" }]
      : unserved.map((queue) => ({ tone: "stat", words: words.noneFor(queue.name), part: "queues" }));
  if (lost.length > 0) found.push({ tone: "urgent", words: words.lost(lost.join(", ")), part: "queues" });
  return found;
}

function countWants(seen: Overview): Want[] {
  const words = t.ops.overview;
  const paused = seen.queues.filter((queue) => queue.paused).map((queue) => queue.name);
  const found: Want[] = [];
  if (seen.quarantined > 0) {
    found.push({ tone: "urgent", words: words.quarantined(seen.quarantined), part: "failures" });
  }
  if (seen.failed > 0) found.push({ tone: "urgent", words: words.failed(seen.failed), part: "failures" });
  if (seen.dead_deliveries > 0) {
    found.push({ tone: "urgent", words: words.dead(seen.dead_deliveries), part: "deliveries" });
  }
  if (paused.length > 0) found.push({ tone: "urgent", words: words.paused(paused.join(", ")), part: "queues" });
  return found;
}
