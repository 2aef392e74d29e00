/** The live connection: server-sent events say which answers are out of date; without it the pages poll. */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { API } from "./address";

export type Connection = "connecting" | "live" | "polling";

/** Topics of the server's outbox, and the query keys each makes stale. */
const STALE: Record<string, readonly string[]> = {
  study: ["worklist", "study", "rejections"],
  model: ["models"],
  job: ["worklist", "study", "jobs"],
  result: ["worklist", "study"],
  review: ["worklist", "study"],
  batch: ["batches"],
  alarm: ["alarms"],
};
/** A burst of events (1,000 files arriving) refreshes the page once in this time. */
const GATHER_MS = 300;
/** ... and a stream of them no oftener than this: a long list is many pages, all of which are asked for again. */
const SPACING_MS = 2000;
/** The browser reconnects by itself after a broken line; after a refusal it does not, so this does. */
const RECONNECT_MS = 15_000;
/** The server ends each stream after a while and the browser comes back at once: that is no reason to say "away". */
const PATIENCE_MS = 6000;

let connection: Connection = "connecting";
const listeners = new Set<() => void>();

function say(next: Connection): void {
  if (next === connection) return;
  connection = next;
  for (const listener of listeners) listener();
}

export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connection,
  );
}

/** Listen until the returned function is called. */
export function listen(client: QueryClient): () => void {
  const stale = new Set<string>();
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let away: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;
  let source: EventSource | undefined;

  let refreshed = -SPACING_MS;
  const refresh = (): void => {
    gathering = undefined;
    refreshed = performance.now();
    for (const key of stale) {
      // What is on its way may be older than the change, but cut off again and again it would never arrive.
      if (client.isFetching({ queryKey: [key] }) > 0) continue;
      stale.delete(key);
      void client.invalidateQueries({ queryKey: [key] });
    }
    if (stale.size > 0) gathering = setTimeout(refresh, GATHER_MS);
  };
  const note = (topic: string): void => {
    for (const key of STALE[topic] ?? []) stale.add(key);
    gathering ??= setTimeout(refresh, Math.max(GATHER_MS, refreshed + SPACING_MS - performance.now()));
  };
  const open = (): void => {
    let isNew = true;
    source = new EventSource(`${API}/events`);
    source.onopen = () => {
      // A new stream begins with what comes from now on (the browser's own reconnecting names the last event it had):
      // what was asked before may lack a change that nobody will tell of.
      if (isNew) Object.keys(STALE).forEach(note);
      isNew = false;
      clearTimeout(away);
      away = undefined;
      say("live");
    };
    source.onerror = () => {
      away ??= setTimeout(() => say("polling"), PATIENCE_MS);
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(open, RECONNECT_MS);
    };
    for (const topic of Object.keys(STALE)) source.addEventListener(topic, () => note(topic));
  };

  open();
  return () => {
    source?.close();
    clearTimeout(gathering);
    clearTimeout(away);
    clearTimeout(again);
    say("connecting");
  };
}
