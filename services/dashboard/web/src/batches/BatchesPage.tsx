/** The readings overnight: which ran, how far they are, and who changes. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { useBatches, type Batch } from "../api/overnight";
import { rowsOf } from "../api/queries";
import type { Me } from "../api/types";
import { Age } from "../design/Age";
import { Listed } from "../design/Listed";
import { Empty } from "../design/parts";
import { Sheet } from "../design/Sheet";
import { nameOfPipeline } from "../study/questions";
import { t } from "../text/messages";
import { BatchActions, BatchBadge, BatchProgress } from "./BatchParts";
import { BatchPage } from "./BatchPage";
import { NewBatch } from "./NewBatch";
import { doneBy } from "./batches";
import "./batches.css";

/** The address that stands in the place of a batch's id for one that is not yet. */
const NEW = "new";

type Props = { id: string | null; me: Me };

export default function BatchesPage({ id, me }: Props): ReactElement {
  if (id === NEW && me.role === "admin") return <NewBatch />;
  return id === null || id === NEW ? <BatchList me={me} /> : <BatchPage key={id} id={id} me={me} />;
}

function BatchList({ me }: { me: Me }): ReactElement {
  const list = useBatches();
  const create = (
    <Link href={`/batches/${NEW}`} className="button button-primary">
      {t.overnight.create}
    </Link>
  );
  return (
    <Sheet
      title={t.overnight.title}
      summary={t.overnight.summary}
      load={list}
      end={me.role === "admin" ? create : null}
    >
      <Listed words={t.overnight} more={list} empty={<NoBatch me={me} />}>
        {rowsOf(list.data).map((batch) => (
          <BatchRow key={batch.id} batch={batch} me={me} />
        ))}
      </Listed>
    </Sheet>
  );
}

function NoBatch({ me }: { me: Me }): ReactElement {
  return (
    <Empty inside title={t.overnight.emptyTitle}>
      <p>{t.overnight.empty}</p>
      {me.role === "admin" ? (
        <p>{t.overnight.emptyAdmin}</p>
      ) : (
        <>
          <p>{t.overnight.emptyOther}</p>
          <pre>{t.overnight.emptyCommand}</pre>
        </>
      )}
    </Empty>
  );
}

function BatchRow({ batch, me }: { batch: Batch; me: Me }): ReactElement {
  return (
    <tr>
      <td>
        <Link href={`/batches/${batch.id}`} className="batch-name">
          {batch.name}
        </Link>
        <div className="tone-muted">{nameOfPipeline(batch.pipeline)}</div>
      </td>
      <td>
        {batch.model} {batch.model_version}
      </td>
      <td>
        <BatchBadge batch={batch} />
        {me.role === "admin" ? <BatchActions batch={batch} /> : null}
      </td>
      <td>
        <BatchProgress batch={batch} />
      </td>
      <td>{doneBy(batch)}</td>
      <td>
        <Age since={batch.created_at} />
      </td>
    </tr>
  );
}
