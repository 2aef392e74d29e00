/** Results on their way to other systems; one that was given up is sent again. */
import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { useDeliveries, useSendAgain, type Delivery } from "../api/ops";
import { rowsOf } from "../api/queries";
import { Age } from "../design/Age";
import { Select } from "../design/Choices";
import { NotDone } from "../design/Confirm";
import type { IconName } from "../design/icons";
import { Listed } from "../design/Listed";
import { Badge, Button, Empty, Field, type Tone } from "../design/parts";
import { dateTime, sentence } from "../text/format";
import { t } from "../text/messages";
import { Sheet } from "../design/Sheet";

const MARKS: Record<Delivery["state"], [IconName, Tone]> = {
  waiting: ["waiting", "muted"],
  delivered: ["signed", "routine"],
  dead: ["failed", "stat"],
};
const STATES = Object.keys(MARKS) as Delivery["state"][];

export default function DeliveriesPage(): ReactElement {
  const [state, setState] = useState("");
  const list = useDeliveries({ state });
  const rows = rowsOf(list.data);
  const words = t.ops.deliveries;
  const filter = (
    <Field label={words.filter}>
      <Select
        value={state}
        any={t.worklist.filters.any}
        choices={STATES.map((one) => [one, words.states[one]])}
        onChange={setState}
      />
    </Field>
  );
  return (
    <Sheet
      title={t.ops.parts.deliveries}
      summary={words.summary}
      load={list}
      end={rows.length > 0 || state !== "" ? filter : null}
    >
      <Listed
        words={words}
        more={list}
        empty={
          <Empty inside title={state === "" ? words.emptyTitle : words.emptyFiltered}>
            {state === "" ? <p>{words.empty}</p> : null}
          </Empty>
        }
      >
        {rows.map((row) => (
          <DeliveryRow key={row.id} row={row} />
        ))}
      </Listed>
    </Sheet>
  );
}

function DeliveryRow({ row }: { row: Delivery }): ReactElement {
  const again = useSendAgain();
  const [icon, tone] = MARKS[row.state];
  return (
    <tr>
      <td>
        <Badge icon={icon} tone={tone}>
          {t.ops.deliveries.states[row.state]}
        </Badge>
      </td>
      <td>{row.destination}</td>
      <td>{row.attempts}</td>
      <td>{sentence(row.error ?? "")}</td>
      <td>{row.next_try_at === null ? t.none : dateTime(row.next_try_at)}</td>
      <td>
        <Age since={row.created_at} />
      </td>
      <td>
        <div className="row">
          <Link href={`/studies/${row.study_id}`} className="button button-small">
            {t.jobs.openStudy}
          </Link>
          {row.state === "dead" ? (
            <Button small disabled={again.isPending} onClick={() => again.mutate(row.id)}>
              {t.ops.deliveries.again}
            </Button>
          ) : null}
          <NotDone error={again.error} />
        </div>
      </td>
    </tr>
  );
}
