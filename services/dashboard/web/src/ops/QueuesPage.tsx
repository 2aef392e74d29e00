/** The queues, how much waits in each and how many may work on it, and the workers that do. */
import { useState, type ReactElement } from "react";

import { useOverview, useQueueLimit, useQueueSwitch, type Queue } from "../api/ops";
import { Age } from "../design/Age";
import { NotDone } from "../design/Confirm";
import { Badge, Button } from "../design/parts";
import { ProgramName } from "../design/ProgramName";
import { Table } from "../design/Table";
import { t } from "../text/messages";
import { Sheet } from "../design/Sheet";
import { Workers } from "./Workers";

export default function QueuesPage(): ReactElement {
  const overview = useOverview();
  return (
    <Sheet title={t.ops.parts.queues} summary={t.ops.queues.summary} load={overview}>
      <Table label={t.ops.queues.table} columns={t.ops.queues.columns}>
        {overview.data?.queues.map((queue) => (
          <QueueRow key={queue.name} queue={queue} />
        ))}
      </Table>
      <section className="panel">
        <h2>{t.ops.queues.workers}</h2>
        <Workers workers={overview.data?.workers ?? []} />
      </section>
    </Sheet>
  );
}

function QueueRow({ queue }: { queue: Queue }): ReactElement {
  const words = t.ops.queues;
  return (
    <tr>
      <th scope="row">
        <ProgramName name={queue.name} />
      </th>
      <td>
        <Badge icon={queue.paused ? "waiting" : "live"} tone={queue.paused ? "urgent" : "routine"}>
          {queue.paused ? words.paused : words.open}
        </Badge>
      </td>
      <td>{queue.queued}</td>
      <td>{queue.waiting_since === null ? t.none : <Age since={queue.waiting_since} />}</td>
      <td>{queue.held}</td>
      <td>{queue.running}</td>
      <td>
        <Limit key={queue.running_limit} queue={queue} />
      </td>
      <td>
        <Switch queue={queue} />
      </td>
    </tr>
  );
}

function Switch({ queue }: { queue: Queue }): ReactElement {
  const change = useQueueSwitch();
  const words = t.ops.queues;
  return (
    <>
      <Button
        small
        disabled={change.isPending}
        aria-label={queue.paused ? words.resumeOf(queue.name) : words.pauseOf(queue.name)}
        onClick={() => change.mutate({ name: queue.name, pause: !queue.paused })}
      >
        {queue.paused ? words.resume : words.pause}
      </Button>
      <NotDone error={change.error} />
    </>
  );
}

function Limit({ queue }: { queue: Queue }): ReactElement {
  const [typed, type] = useState(queue.running_limit === null ? "" : String(queue.running_limit));
  const change = useQueueLimit();
  const words = t.ops.queues;
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate({ name: queue.name, limit: typed === "" ? null : Number(typed) });
      }}
    >
      <input
        className="input limit"
        type="number"
        min={1}
        placeholder={words.any}
        aria-label={words.limitOf(queue.name)}
        value={typed}
        onChange={(event) => type(event.target.value)}
      />
      <Button type="submit" small disabled={change.isPending} aria-label={words.setLimitOf(queue.name)}>
        {words.setLimit}
      </Button>
      <NotDone error={change.error} />
    </form>
  );
}
