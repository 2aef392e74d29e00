/** The way from one study to the next, in the worklist's order. */
type Row = { id: string };

export function neighbours(rows: readonly Row[], id: string): { previous: string | null; next: string | null } {
  const order = [...new Set(rows.map((row) => row.id))];
  const place = order.indexOf(id);
  if (place < 0) return { previous: null, next: order[0] ?? null };
  return { previous: order[place - 1] ?? null, next: order[place + 1] ?? null };
}
