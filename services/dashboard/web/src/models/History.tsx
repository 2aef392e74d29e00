/** What was decided about a model's versions: when, which state, by whom and why. */
import type { ReactElement } from "react";

import type { ModelDetail } from "../api/types";
import { Badge } from "../design/parts";
import { dateTime } from "../text/format";
import { t } from "../text/messages";
import { STATE_MARKS } from "./marks";

export function History({ events }: { events: ModelDetail["events"] }): ReactElement {
  return (
    <section className="panel">
      <h2>{t.modelPage.history}</h2>
      <ol className="decisions">
        {events.map((event) => {
          const [icon, tone] = STATE_MARKS[event.state];
          return (
            <li key={`${event.version} ${event.created_at} ${event.state}`}>
              <strong>{event.version}</strong>{" "}
              <Badge icon={icon} tone={tone}>
                {t.models.states[event.state]}
              </Badge>{" "}
              <span className="tone-muted">{dateTime(event.created_at)}</span>
              <div>{event.reason || t.modelPage.noReason}</div>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
