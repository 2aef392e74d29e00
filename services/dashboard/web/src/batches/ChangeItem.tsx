/** One changed study in the list of a batch: what changed, and whether somebody is done with it. */
import { useEffect, useRef, type ReactElement } from "react";
import { Link } from "wouter";

import type { Change } from "../api/overnight";
import type { Me } from "../api/types";
import { Badge } from "../design/parts";
import { dateTime } from "../text/format";
import { t } from "../text/messages";
import { isSettled } from "./triage";

type Props = { change: Change; chosen: boolean; me: Me; choose: () => void };

export function ChangeItem({ change, chosen, me, choose }: Props): ReactElement {
  const place = useRef<HTMLLIElement>(null);
  const wasChosen = useRef(chosen);
  useEffect(() => {
    if (chosen && !wasChosen.current) place.current?.querySelector("a")?.focus();
    wasChosen.current = chosen;
  }, [chosen]);
  return (
    <li ref={place} className={chosen ? "chosen" : undefined} onMouseDown={choose}>
      <Link href={`/studies/${change.study_id}`} onFocus={choose}>
        {t.change.told(change.kind, change.headline)}
      </Link>
      <div className="row">
        {isSettled(change) ? (
          <Badge icon="signed" tone="routine">
            {t.changes.settled}
          </Badge>
        ) : (
          <Badge icon={change.seen === null ? "unread" : "routine"} tone={change.seen === null ? "accent" : "muted"}>
            {seenText(change.seen, me)}
          </Badge>
        )}
      </div>
    </li>
  );
}

function seenText(seen: Change["seen"], me: Me): string {
  if (seen === null) return t.changes.unseen;
  const when = dateTime(seen.at);
  return seen.user.id === me.user_id ? t.changes.seenByYou(when) : t.changes.seenBy(seen.user.name, when);
}
