/** How everything does now: first what needs a person, then the figures. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { useOverview, type Overview, type Queue } from "../api/ops";
import { Age } from "../design/Age";
import { Badge } from "../design/parts";
import { Table } from "../design/Table";
import { bytes, clock } from "../text/format";
import { t } from "../text/messages";
import { Sheet } from "../design/Sheet";
import { total, wants, type Want } from "./wants";

export default function OverviewPage(): ReactElement {
  const overview = useOverview();
  const seen = overview.data;
  return (
    <Sheet title={t.ops.parts.overview} summary={seen ? t.ops.overview.summary(clock(seen.at)) : ""} load={overview}>
      {seen ? <Seen seen={seen} /> : null}
    </Sheet>
  );
}

function Seen({ seen }: { seen: Overview }): ReactElement {
  const found = wants(seen);
  return (
    <>
      <section className="panel">
        <h2>{t.ops.overview.attention}</h2>
        {found.length === 0 ? (
          <Badge icon="signed" tone="routine">
            {t.ops.overview.nothing}
          </Badge>
        ) : (
          <ul className="wants">
            {found.map((want) => (
              <WantRow key={want.words} want={want} />
            ))}
          </ul>
        )}
      </section>
      <section className="panel">
        <h2>{t.ops.overview.figures}</h2>
        <Figures seen={seen} />
      </section>
      <section className="panel">
        <h2>{t.ops.overview.queues}</h2>
        <Queues queues={seen.queues.filter((queue) => queue.queued + queue.held + queue.running > 0)} />
      </section>
    </>
  );
}

function WantRow({ want }: { want: Want }): ReactElement {
  return (
    <li>
      <Badge icon={want.tone === "stat" ? "failed" : "urgent"} tone={want.tone}>
        {want.words}
      </Badge>
      {want.part === null ? null : (
        <Link href={`/operations/${want.part}`} className="button button-small">
          {t.ops.parts[want.part]}
        </Link>
      )}
    </li>
  );
}

function Queues({ queues }: { queues: readonly Queue[] }): ReactElement {
  if (queues.length === 0) return <p className="tone-muted">{t.ops.overview.queuesNone}</p>;
  const { name, waiting, oldest, held, running } = t.ops.queues.columns;
  return (
    <Table label={t.ops.overview.queues} columns={{ name, waiting, oldest, held, running }}>
      {queues.map((queue) => (
        <tr key={queue.name}>
          <th scope="row">{queue.name}</th>
          <td>{queue.queued}</td>
          <td>{queue.waiting_since === null ? t.none : <Age since={queue.waiting_since} />}</td>
          <td>{queue.held}</td>
          <td>{queue.running}</td>
        </tr>
      ))}
    </Table>
  );
}

function Figures({ seen }: { seen: Overview }): ReactElement {
  const here = seen.workers.filter((worker) => worker.presence === "here");
  const busy = here.filter((worker) => worker.jobs > 0);
  const least = seen.places.reduce<number | null>(
    (left, place) => (left === null ? place.left_bytes : Math.min(left, place.left_bytes)),
    null,
  );
  const words = t.ops.overview;
  return (
    <dl className="tiles">
      <Tile name={words.waiting} value={String(total(seen, "queued"))} />
      <Tile name={words.running} value={String(total(seen, "running"))} />
      <Tile name={words.held} value={String(total(seen, "held"))} />
      <div className="tile">
        <dt>{words.oldest}</dt>
        <dd>{seen.waiting_since === null ? t.none : <Age since={seen.waiting_since} />}</dd>
      </div>
      <Tile name={words.workers} value={words.workersHere(here.length, busy.length)} long />
      <Tile name={words.room} value={least === null ? t.none : bytes(least)} />
    </dl>
  );
}

function Tile({ name, value, long = false }: { name: string; value: string; long?: boolean }): ReactElement {
  return (
    <div className="tile">
      <dt>{name}</dt>
      <dd className={long ? "words" : undefined}>{value}</dd>
    </div>
  );
}
