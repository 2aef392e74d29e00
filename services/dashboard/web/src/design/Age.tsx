/** How long ago something was, kept true while the page stays open; pointed at, it says the exact time. */
import { useSyncExternalStore, type PointerEvent, type ReactElement } from "react";

import { age, dateTime } from "../text/format";

const MINUTE_MS = 60_000;

function eachMinute(changed: () => void): () => void {
  const timer = setInterval(changed, MINUTE_MS);
  return () => clearInterval(timer);
}

/** The same number within a minute, or React would see a change at each look. */
const thisMinute = (): number => Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;

/** The exact time takes a format that is dear to make: not before somebody asks. */
function sayWhen(event: PointerEvent<HTMLTimeElement>): void {
  event.currentTarget.title = dateTime(event.currentTarget.dateTime);
}

export function Age({ since }: { since: string }): ReactElement {
  const now = useSyncExternalStore(eachMinute, thisMinute);
  return (
    <time dateTime={since} onPointerEnter={sayWhen}>
      {age(since, now)}
    </time>
  );
}
