/** The workers of the last day: whether each is there, and what it does. */
import type { ReactElement } from "react";

import type { Worker } from "../api/ops";
import { Age } from "../design/Age";
import type { IconName } from "../design/icons";
import { Badge, type Tone } from "../design/parts";
import { Table } from "../design/Table";
import { nameOfPipeline } from "../study/questions";
import { t } from "../text/messages";

const MARKS: Record<Worker["presence"], [IconName, Tone]> = {
  here: ["live", "routine"],
  lost: ["failed", "stat"],
  left: ["unrouted", "muted"],
};
/** More names than these are counted: a worker that serves everything serves many queues. */
const QUEUES_NAMED = 3;

export function Workers({ workers }: { workers: readonly Worker[] }): ReactElement {
  const words = t.ops.queues;
  if (workers.length === 0) {
    return (
      <div>
        <h3>{words.emptyTitle}</h3>
        <p>
          {words.empty} <code>{words.emptyCommand}</code>
        </p>
      </div>
    );
  }
  return (
    <Table label={words.workers} columns={words.workerColumns}>
      {workers.map((worker) => (
        <WorkerRow key={worker.name} worker={worker} />
      ))}
    </Table>
  );
}

function WorkerRow({ worker }: { worker: Worker }): ReactElement {
  const words = t.ops.queues;
  const [icon, tone] = MARKS[worker.presence];
  const queues = worker.queues.length > QUEUES_NAMED ? words.allQueues(worker.queues.length) : worker.queues.join(", ");
  return (
    <tr>
      <th scope="row">{worker.name}</th>
      <td>
        <Badge icon={icon} tone={tone}>
          {words.presence[worker.presence]}
        </Badge>
      </td>
      <td>{doing(worker)}</td>
      <td title={worker.queues.join(", ")}>{queues}</td>
      <td>{worker.device ?? t.none}</td>
      <td>
        <Age since={worker.started_at} />
      </td>
      <td>
        <Age since={worker.seen_at} />
      </td>
    </tr>
  );
}

function doing(worker: Worker): string {
  if (worker.pipeline !== null) return t.ops.queues.doing(nameOfPipeline(worker.pipeline), worker.jobs);
  return worker.presence === "here" ? t.ops.queues.idle : t.none;
}
