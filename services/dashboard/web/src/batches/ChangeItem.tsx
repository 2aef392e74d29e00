/** One changed study in the list of a batch: what changed, and whether somebody is done with it. */
import { useEffect, useRef, type ReactElement } from "react";
import { Link } from "wouter";

import type { Change } from "../api/overnight";
import { Badge } from "../design/parts";
import { t } from "../text/messages";
import { isSettled } from "./triage";

type Props = { change: Change; chosen: boolean; seen: boolean; choose: () => void };

export function ChangeItem({ change, chosen, seen, choose }: Props): ReactElement {
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
          <Badge icon={seen ? "routine" : "unread"} tone={seen ? "muted" : "accent"}>
            {seen ? t.changes.seen : t.changes.unseen}
          </Badge>
        )}
      </div>
    </li>
  );
}
