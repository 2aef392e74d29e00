/** The list as the reader looks at it: rows of the chosen filters or of a search, the cursor, and what is marked. */
import { useCallback, useState } from "react";

import { rowsOf, useWorklist } from "../api/queries";
import type { WorklistRow } from "../api/types";
import { useSearch } from "../api/worklist";
import { keepFilters, keptFilters, type WorklistFilters } from "./filters";
import { keptPlace, standing } from "./place";
import { extended, markedRows, NOTHING, toggled, type Selection } from "./selection";

export type List = ReturnType<typeof useList>;

export function useList() {
  const [filters, setFilters] = useState<WorklistFilters>(keptFilters);
  const [search, setSearch] = useState(() => keptPlace().search);
  const [cursor, setCursor] = useState(() => ({ id: keptPlace().cursor, index: keptPlace().index }));
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const listed = useWorklist(filters);
  const found = useSearch(search);
  const query = search === "" ? listed : found;
  const rows = unique(rowsOf(query.data));
  const at = standing(rows, cursor.id, cursor.index);

  const anew = useCallback((): void => {
    setCursor({ id: null, index: 0 });
    setSelection(NOTHING);
  }, []);
  // The same function always: the filters and views beside the list are drawn anew only where they changed.
  const choose = useCallback(
    (chosen: WorklistFilters): void => {
      keepFilters(chosen);
      setFilters(chosen);
      setSearch("");
      anew();
    },
    [anew],
  );
  return {
    filters,
    search,
    query,
    rows,
    at,
    marked: markedRows(selection, rows),
    choose,
    ask: (text: string): void => {
      setSearch(text);
      anew();
    },
    moveTo: (index: number): void => {
      const place = Math.max(0, Math.min(rows.length - 1, index));
      const id = rows[place]?.row_id ?? null;
      // A row that is chosen already gets the focus and says so again: nothing has changed.
      setCursor((now) => (now.id === id && now.index === place ? now : { id, index: place }));
    },
    mark: (id: string): void => setSelection((now) => toggled(now, id)),
    markTo: (id: string): void => setSelection((now) => extended(now, rows, id)),
    unmark: (): void => setSelection(NOTHING),
  };
}

/** A row that moved down while the next page was on its way is in both: it is shown where it stands first. */
function unique(rows: WorklistRow[]): WorklistRow[] {
  const seen = new Set<string>();
  return rows.filter((row) => !seen.has(row.row_id) && seen.add(row.row_id));
}
