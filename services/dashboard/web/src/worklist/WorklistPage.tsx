/** The worklist: what a person has to look at first stands first. */
import { useCallback, useEffect, useRef, useState, type ReactElement } from "react";
import { useLocation } from "wouter";

import { usePipelines } from "../api/queries";
import type { Me } from "../api/types";
import { useSites, useViews } from "../api/worklist";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { nameOfPipeline } from "../study/questions";
import { t } from "../text/messages";
import { AssignDialog } from "./AssignDialog";
import { Filters } from "./Filters";
import type { WorklistFilters } from "./filters";
import { Glance } from "./Glance";
import { Marks } from "./Marks";
import { NothingHere } from "./NothingHere";
import { keptPlace } from "./place";
import { readingPath } from "./rows";
import { Search } from "./Search";
import { Table } from "./Table";
import { useList } from "./useList";
import { groupsOf, walked } from "./views";
import { Views } from "./Views";
import "./worklist.css";
import "./narrow.css";

/** While views and sites are on their way. */
const NONE: never[] = [];

export function WorklistPage({ me }: { me: Me }): ReactElement {
  const list = useList();
  const views = useViews().data ?? NONE;
  const sites = useSites().data ?? NONE;
  const pipelines = usePipelines();
  const [, goTo] = useLocation();
  const [assigning, assign] = useState(false);
  const [told, tell] = useState("");
  const filterBar = useRef<HTMLDivElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  // As a state: the table has to be drawn again once there is something that it scrolls in.
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  // Whoever comes back from a study stands where they left.
  const focusRef = useRef(keptPlace().cursor !== null);
  const { rows, at, query, search } = list;
  const canMark = me.role !== "technician";
  const marked = useRef(0);
  useEffect(() => {
    marked.current = list.marked.length;
  });

  const shown = useRef(list.filters);
  useEffect(() => {
    if (shown.current === list.filters) return;
    shown.current = list.filters;
    scroller?.scrollTo({ top: 0 });
  }, [list.filters, scroller]);

  const move = (index: number): void => {
    focusRef.current = true;
    list.moveTo(index);
  };
  // Nobody assigns what they cannot see any more, and nobody is left to wonder where their marks went.
  const sayDropped = useCallback(
    (): void => tell(marked.current === 0 ? "" : t.marks.dropped(marked.current)),
    [marked],
  );
  const listed = list.choose;
  const choose = useCallback(
    (filters: WorklistFilters): void => {
      sayDropped();
      listed(filters);
    },
    [listed, sayDropped],
  );
  const ask = (text: string): void => {
    sayDropped();
    list.ask(text);
  };
  const walk = (step: 1 | -1): void => choose(walked(groupsOf(views, nameOfPipeline), list.filters, step));
  // One thing at a time: the marks first, then out of the search.
  const leave = (): void => (list.marked.length > 0 || search === "" ? list.unmark() : ask(""));
  const markTo = (step: 1 | -1): void => {
    if (at.id !== null) list.markTo(at.id);
    const next = rows[at.index + step];
    if (next === undefined) return;
    list.markTo(next.row_id);
    move(at.index + step);
  };
  const row = rows[at.index];
  useShortcuts([
    { keys: KEYS.worklist.next, run: () => move(at.index + 1) },
    { keys: KEYS.worklist.previous, run: () => move(at.index - 1) },
    { keys: KEYS.worklist.first, run: () => move(0) },
    { keys: KEYS.worklist.last, run: () => move(rows.length - 1) },
    { keys: KEYS.worklist.open, run: () => row && goTo(readingPath(row)) },
    { keys: KEYS.worklist.search, run: () => searchBox.current?.focus() },
    { keys: KEYS.worklist.filters, run: () => filterBar.current?.querySelector("select")?.focus() },
    { keys: KEYS.worklist.nextView, run: () => walk(1) },
    { keys: KEYS.worklist.previousView, run: () => walk(-1) },
    { keys: KEYS.worklist.mark, run: () => canMark && at.id !== null && list.mark(at.id) },
    { keys: KEYS.worklist.markDown, run: () => canMark && markTo(1) },
    { keys: KEYS.worklist.markUp, run: () => canMark && markTo(-1) },
    { keys: KEYS.worklist.unmark, run: leave },
    {
      keys: KEYS.worklist.assign,
      run: () => {
        if (!canMark) return tell(t.marks.notYours);
        if (row === undefined) return tell(t.marks.nothing);
        if (list.marked.length === 0) list.mark(row.row_id);
        assign(true);
      },
    },
  ]);

  return (
    <section className="page worklist-page">
      <div className="page-head">
        <div>
          <h1>{t.worklist.title}</h1>
          {search === "" ? (
            <Glance filters={list.filters} />
          ) : (
            <p aria-live="polite">
              {query.isPending ? t.search.loading : t.search.found(rows.length, query.hasNextPage, search)}
            </p>
          )}
        </div>
        <Search key={search} ref={searchBox} asked={search} ask={ask} />
      </div>
      <div className="worklist-body">
        <Views views={views} chosen={list.filters} choose={choose} />
        <div className="worklist-main">
          <Filters
            ref={filterBar}
            chosen={list.filters}
            pipelines={pipelines}
            sites={sites}
            withheld={me.blind_first}
            choose={choose}
          />
          <Marks list={list} told={told} assign={() => assign(true)} />
          <div className="page-body" ref={setScroller}>
            {query.isError && rows.length === 0 ? (
              <LoadFailed error={query.error} again={() => void query.refetch()} />
            ) : (
              <Stale error={query.error} />
            )}
            {rows.length > 0 ? <Table list={list} canMark={canMark} focusRef={focusRef} scroller={scroller} /> : null}
            {query.isSuccess && rows.length === 0 ? <NothingHere list={list} /> : null}
          </div>
        </div>
      </div>
      {assigning && list.marked.length > 0 ? (
        <AssignDialog
          me={me}
          rows={list.marked}
          onClose={() => assign(false)}
          onDone={(words) => {
            tell(words);
            list.unmark();
            assign(false);
          }}
        />
      ) : null}
    </section>
  );
}
