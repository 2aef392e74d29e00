/** The readings overnight: which ran, how far they are, and who changes. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { useBatches, type Batch } from "../api/overnight";
import { rowsOf } from "../api/queries";
import type { Me } from "../api/types";
import { Age } from "../design/Age";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { More } from "../design/More";
import { Empty } from "../design/parts";
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
  const batches = rowsOf(list.data);
  if (list.isPending) return <p className="waiting">{t.loading}</p>;
  if (list.isError && batches.length === 0) return <LoadFailed error={list.error} again={() => void list.refetch()} />;
  return (
    <section className="page">
      <div className="page-head">
        <div>
          <h1>{t.overnight.title}</h1>
          <p>{t.overnight.summary}</p>
        </div>
        {me.role === "admin" ? (
          <Link href={`/batches/${NEW}`} className="button button-primary">
            {t.overnight.create}
          </Link>
        ) : null}
      </div>
      <div className="page-body">
        <Stale error={list.error} />
        {batches.length > 0 ? <BatchTable batches={batches} me={me} /> : <NoBatch me={me} />}
        <More list={list} />
      </div>
    </section>
  );
}

function NoBatch({ me }: { me: Me }): ReactElement {
  return (
    <Empty title={t.overnight.emptyTitle}>
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

function BatchTable({ batches, me }: { batches: readonly Batch[]; me: Me }): ReactElement {
  return (
    <table className="table" aria-label={t.overnight.table}>
      <thead>
        <tr>
          {Object.values(t.overnight.columns).map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {batches.map((batch) => (
          <tr key={batch.id}>
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
        ))}
      </tbody>
    </table>
  );
}
