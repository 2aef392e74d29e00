/** Who did what: searched by person, action, study and day, each row with its place in the chain of hashes. */
import { useEffect, useState, type ReactElement } from "react";
import { Link } from "wouter";

import { useAudit, useChain, type AuditRow, type Chain } from "../api/ops";
import { rowsOf } from "../api/queries";
import { Listed } from "../design/Listed";
import { Badge, Notice } from "../design/parts";
import { dateTime } from "../text/format";
import { t } from "../text/messages";
import { AuditFilters } from "./AuditFilters";
import { NOTHING_ASKED, questionOf, type AuditAsked } from "./auditSearch";
import { Sheet } from "../design/Sheet";

export default function AuditPage(): ReactElement {
  const [asked, ask] = useState<AuditAsked>(NOTHING_ASKED);
  const list = useAudit(questionOf(asked));
  const chain = useChain();
  const rows = rowsOf(list.data);
  const words = t.ops.audit;
  const { refetch } = list;
  const waits = rows.some((row) => row.link === null);
  const sealed = chain.data?.number;
  useEffect(() => {
    if (waits) void refetch();
  }, [waits, sealed, refetch]);
  const top = (
    <section className="panel">
      <AuditFilters asked={asked} ask={ask} actions={chain.data?.actions ?? []} />
      {chain.data ? <ChainLine chain={chain.data} /> : null}
    </section>
  );
  return (
    <Sheet title={t.ops.parts.audit} summary={words.summary} load={list} top={top}>
      <Listed words={words} more={list}>
        {rows.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </Listed>
    </Sheet>
  );
}

/** Rows are sealed within seconds; one that has waited for a minute says that nobody seals. */
const LATE_MS = 60_000;

function ChainLine({ chain }: { chain: Chain }): ReactElement {
  const words = t.ops.audit;
  const since = chain.unsealed_since;
  const late = since !== null && Date.parse(chain.at) - Date.parse(since) > LATE_MS;
  return (
    <>
      {late ? <Notice tone="urgent" title={words.late(dateTime(since))} /> : null}
      <details>
        <summary>{words.chain(chain.number, chain.unsealed)}</summary>
        <p className="tone-muted">{words.headWhy}</p>
        <p>
          {words.head} <code className="digest-line">{`${chain.number}:${chain.hash}`}</code>
        </p>
      </details>
    </>
  );
}

function Row({ row }: { row: AuditRow }): ReactElement {
  const words = t.ops.audit;
  return (
    <tr>
      <td>
        <time dateTime={row.created_at}>{dateTime(row.created_at)}</time>
      </td>
      <td className="who" title={row.actor}>
        {row.actor_name ?? <code>{row.actor}</code>}
      </td>
      <td>
        <code>{row.action}</code>
      </td>
      <td>
        {row.study_id === null ? (
          t.none
        ) : (
          <Link href={`/studies/${row.study_id}`} className="button button-small">
            {words.openStudy}
          </Link>
        )}
      </td>
      <td>
        <div className="subjects">
          {Object.entries(row.subjects).map(([name, value]) => (
            <span key={name}>
              <span className="tone-muted">{name}</span> <code>{String(value)}</code>
            </span>
          ))}
        </div>
      </td>
      <td>
        {row.link === null ? (
          <Badge icon="waiting" tone="muted">
            {words.waits}
          </Badge>
        ) : (
          <Badge icon="signed" tone="routine">
            {words.sealed(row.link)}
          </Badge>
        )}
      </td>
    </tr>
  );
}
