/** The worklist's filters, by the names of the API's query; kept for the length of the browser tab. */
export const FILTERS = {
  review_state: ["open", "unread", "drafted", "second_read", "adjudication", "signed"],
  urgency: ["stat", "urgent", "check", "routine"],
  job_state: ["queued", "running", "succeeded", "failed", "quarantined", "cancelled"],
  change: ["any", "crossed", "unanswered", "answered", "changed", "new"],
  disagreement: ["any", "readers", "reader", "shadow"],
} as const;

/** Values that are no fixed list: models that somebody added have their own names, people and sites their ids. */
const FREE = [
  "pipeline",
  "assignee",
  "site",
  "abstained",
  "gradable",
  "modality",
  "state",
  "first_day",
  "last_day",
] as const;
const FREE_VALUE = /^[\w.-]{1,64}$/;

export type FilterName = keyof typeof FILTERS | (typeof FREE)[number];
export type WorklistFilters = Partial<Record<FilterName, string>>;

const FIXED = Object.keys(FILTERS) as (keyof typeof FILTERS)[];
const STORED = "overread.filters";

/** Only what this version knows: a filter stored by another one must not hide rows without a sign. */
export function knownFilters(stored: unknown): WorklistFilters {
  const known: WorklistFilters = {};
  if (typeof stored !== "object" || stored === null) return known;
  const values = stored as Record<string, unknown>;
  for (const name of FREE) {
    const value = values[name];
    if (typeof value === "string" && FREE_VALUE.test(value)) known[name] = value;
  }
  for (const name of FIXED) {
    const value = values[name];
    const allowed: readonly string[] = FILTERS[name];
    if (typeof value === "string" && allowed.includes(value)) known[name] = value;
  }
  return known;
}

/** Choosing "all" takes the filter away. */
export function withFilter(filters: WorklistFilters, name: FilterName, value: string): WorklistFilters {
  return knownFilters({ ...filters, [name]: value });
}

/** What is counted above a list: what there is to read, unless another state was chosen. */
export function countedFilters(filters: WorklistFilters): WorklistFilters {
  return filters.review_state === undefined ? { ...filters, review_state: "open" } : filters;
}

/** Whether both let the same rows pass; the order in which they were chosen does not matter. */
export function sameFilters(one: WorklistFilters, other: WorklistFilters): boolean {
  const names = Object.keys(one) as FilterName[];
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

export function keptFilters(): WorklistFilters {
  try {
    return knownFilters(JSON.parse(sessionStorage.getItem(STORED) ?? "{}"));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

export function keepFilters(filters: WorklistFilters): void {
  sessionStorage.setItem(STORED, JSON.stringify(filters));
}
