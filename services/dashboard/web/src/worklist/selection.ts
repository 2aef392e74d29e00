/** Which rows are marked for something that is done to many at once. */
export type Selection = { marked: ReadonlySet<string>; anchor: string | null };

export const NOTHING: Selection = { marked: new Set(), anchor: null };

type Row = { row_id: string };

export function toggled(selection: Selection, id: string): Selection {
  const marked = new Set(selection.marked);
  if (!marked.delete(id)) marked.add(id);
  return { marked, anchor: id };
}

/** Marks everything from the row that was marked last to this one, both included. */
export function extended(selection: Selection, rows: readonly Row[], id: string): Selection {
  const from = rows.findIndex((row) => row.row_id === (selection.anchor ?? id));
  const to = rows.findIndex((row) => row.row_id === id);
  if (from < 0 || to < 0) return toggled(selection, id);
  const between = rows.slice(Math.min(from, to), Math.max(from, to) + 1).map((row) => row.row_id);
  return { marked: new Set([...selection.marked, ...between]), anchor: selection.anchor ?? id };
}

/** What is marked and still on the list, in its order: a row that has left it is not acted on. */
export function markedRows(selection: Selection, rows: readonly Row[]): string[] {
  return rows.map((row) => row.row_id).filter((id) => selection.marked.has(id));
}
