/** How long ago something was, kept true while the page stays open; the exact time is the title. */
import { useSyncExternalStore, type ReactElement } from "react";

import { age, dateTime } from "../text/format";

const MINUTE_MS = 60_000;

function eachMinute(changed: () => void): () => void {
  const timer = setInterval(changed, MINUTE_MS);
  return () => clearInterval(timer);
}

/** The same number within a minute, or React would see a change at each look. */
const thisMinute = (): number => Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;

export function Age({ since }: { since: string }): ReactElement {
  const now = useSyncExternalStore(eachMinute, thisMinute);
  return (
    <time dateTime={since} title={dateTime(since)}>
      {age(since, now)}
    </time>
  );
}
