/** One batch: how far it is, when it reads, and who changes. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { hasEnded, summaryFile, useBatch, type Batch } from "../api/overnight";
import type { Me } from "../api/types";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { Facts } from "../design/parts";
import { SaveFile } from "../design/SaveFile";
import { nameOfPipeline } from "../study/questions";
import { dateTime } from "../text/format";
import { t } from "../text/messages";
import { BatchActions, BatchBadge, BatchProgress } from "./BatchParts";
import { CouldNotRead } from "./CouldNotRead";
import { Changes } from "./Changes";
import { Summed } from "./Summed";
import { doneBy, queryText } from "./batches";

export function BatchPage({ id, me }: { id: string; me: Me }): ReactElement {
  const batch = useBatch(id);
  if (batch.isPending) return <p className="waiting">{t.loading}</p>;
  if (batch.data === undefined) {
    return (
      <LoadFailed
        error={batch.error}
        again={() => void batch.refetch()}
        back={{ to: "/batches", name: t.overnight.back }}
      />
    );
  }
  return (
    <section className="page">
      <div className="page-head">
        <div>
          <Link href="/batches">{t.overnight.back}</Link>
          <h1>{batch.data.name}</h1>
          <p>
            {nameOfPipeline(batch.data.pipeline)}, {batch.data.model} {batch.data.model_version}
          </p>
        </div>
        <div className="row">
          <SaveFile {...summaryFile(id, "pdf")}>{t.overnight.pdf}</SaveFile>
          <SaveFile {...summaryFile(id, "csv")}>{t.overnight.csv}</SaveFile>
          {me.role === "admin" ? <BatchActions batch={batch.data} /> : null}
        </div>
      </div>
      <div className="page-body">
        <Stale error={batch.error} />
        <section className="panel batch-facts" aria-label={t.overnight.facts.progress}>
          <div>
            <BatchBadge batch={batch.data} />
            <BatchProgress batch={batch.data} />
          </div>
          <Facts rows={factsOf(batch.data)} />
        </section>
        {hasEnded(batch.data) ? <Summed id={id} /> : null}
        <Changes batch={batch.data} me={me} />
        {(batch.data.items["failed"] ?? 0) > 0 ? <CouldNotRead id={id} /> : null}
      </div>
    </section>
  );
}

function factsOf(batch: Batch): readonly (readonly [string, string])[] {
  const { facts } = t.overnight;
  const night = batch.night
    ? t.overnight.nightNow(dateTime(batch.night.closes))
    : t.overnight.nightNext(dateTime(batch.next_night.opens));
  const failures = Object.entries(batch.fetch_failures).map(([code, count]) => `${code}: ${count}`);
  const rows: (readonly [string, string])[] = [
    [facts.query, queryText(batch)],
    [facts.pace, batch.per_hour === null ? t.overnight.noPace : t.overnight.pace(batch.per_hour)],
    [facts.night, Object.keys(batch.window).length === 0 ? t.overnight.always : night],
    [facts.left, t.overnight.left(batch.studies_left, batch.hours_left)],
    [facts.expected, doneBy(batch)],
    [facts.by, dateTime(batch.created_at)],
  ];
  return failures.length === 0 ? rows : [...rows, [facts.failed, failures.join(", ")]];
}
