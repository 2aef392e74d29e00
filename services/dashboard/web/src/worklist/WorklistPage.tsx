/** The worklist: what a person has to look at first stands first. */
import { useRef, useState, type ReactElement } from "react";
import { useLocation } from "wouter";

import type { Me } from "../api/types";
import { rowsOf, usePipelines, useWorklist } from "../api/queries";
import { Button, Empty } from "../design/parts";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { More } from "../design/More";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { Filters } from "./Filters";
import { keptFilters, keepFilters, type WorklistFilters } from "./filters";
import { moved, readingPath } from "./rows";
import { Row } from "./Row";
import "./worklist.css";

export const WorklistPage: (props: { me: Me }) => ReactElement = () => {
  const [filters, setFilters] = useState<WorklistFilters>(keptFilters);
  const [cursor, setCursor] = useState<string | null>(null);
  const list = useWorklist(filters);
  const [, goTo] = useLocation();
  const rows = rowsOf(list.data);
  const at = rows.some((row) => row.row_id === cursor) ? cursor : (rows[0]?.row_id ?? null);
  const pipelines = usePipelines();
  const filterBar = useRef<HTMLDivElement>(null);

  const choose = (chosen: WorklistFilters): void => {
    keepFilters(chosen);
    setFilters(chosen);
  };
  const open = (id: string | null): void => {
    const row = rows.find((candidate) => candidate.row_id === id);
    if (row) goTo(readingPath(row));
  };
  useShortcuts([
    { keys: KEYS.worklist.next, run: () => setCursor(moved(rows, at, 1)) },
    { keys: KEYS.worklist.previous, run: () => setCursor(moved(rows, at, -1)) },
    { keys: KEYS.worklist.open, run: () => open(at) },
    { keys: KEYS.worklist.filters, run: () => filterBar.current?.querySelector("select")?.focus() },
  ]);

  if (list.isError && rows.length === 0) return <LoadFailed error={list.error} again={() => void list.refetch()} />;
  return (
    <section className="page">
      <div className="page-head">
        <div>
          <h1>{t.worklist.title}</h1>
          <p aria-live="polite">
            {list.isPending
              ? t.loading
              : t.worklist.summary(
                  rows.length,
                  list.hasNextPage,
                  rows.filter((row) => row.result_id !== null && row.review_state !== "signed").length,
                )}
          </p>
        </div>
        <Filters ref={filterBar} chosen={filters} pipelines={pipelines} choose={choose} />
      </div>
      <div className="page-body">
        <Stale error={list.error} />
        {rows.length > 0 ? (
          <table className="table worklist" aria-label={t.worklist.table}>
            <thead>
              <tr>
                {Object.values(t.worklist.columns).map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Row key={row.row_id} row={row} chosen={row.row_id === at} choose={() => setCursor(row.row_id)} />
              ))}
            </tbody>
          </table>
        ) : null}
        {list.isSuccess && rows.length === 0 ? <NothingHere filters={filters} clear={() => choose({})} /> : null}
        <More list={list} />
      </div>
    </section>
  );
};

function NothingHere({ filters, clear }: { filters: WorklistFilters; clear: () => void }): ReactElement {
  if (Object.keys(filters).length > 0) {
    return (
      <Empty title={t.worklist.emptyTitle}>
        <p>{t.worklist.emptyFiltered}</p>
        <Button onClick={clear}>{t.worklist.clear}</Button>
      </Empty>
    );
  }
  return (
    <Empty title={t.worklist.emptyTitle}>
      <p>{t.worklist.empty}</p>
      <pre>{t.worklist.emptyCommand}</pre>
    </Empty>
  );
}
