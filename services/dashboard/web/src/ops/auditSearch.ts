/** What somebody looks for in the audit, and the API's question for it: days are the reader's own. */
export type AuditAsked = { by: string; action: string; study: string; first: string; last: string };

export const NOTHING_ASKED: AuditAsked = { by: "", action: "", study: "", first: "", last: "" };

/** The beginning of a calendar day, or of the day after it, in the reader's zone. */
function startOf(day: string, daysLater: number): string {
  const start = new Date(`${day}T00:00`);
  start.setDate(start.getDate() + daysLater);
  return start.toISOString();
}

export function questionOf({ by, action, study, first, last }: AuditAsked): Record<string, string> {
  return {
    by,
    action,
    study: study.toUpperCase().replace(/[^0-9A-Z]/g, ""),
    since: first === "" ? "" : startOf(first, 0),
    until: last === "" ? "" : startOf(last, 1),
  };
}
