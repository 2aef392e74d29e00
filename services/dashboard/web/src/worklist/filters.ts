/** The worklist's filters, by the names of the API's query; kept for the length of the browser tab. */
export const FILTERS = {
  review_state: ["unread", "drafted", "signed"],
  urgency: ["stat", "urgent", "check", "routine"],
  job_state: ["queued", "running", "succeeded", "failed", "quarantined", "cancelled"],
  change: ["any", "crossed", "unanswered", "answered", "changed", "new"],
} as const;

/** Pipelines are not a fixed list: models that somebody added have their own names. */
export type FilterName = keyof typeof FILTERS | "pipeline";
export type WorklistFilters = Partial<Record<FilterName, string>>;

const FIXED = Object.keys(FILTERS) as (keyof typeof FILTERS)[];
const PIPELINE = /^[\w.-]{1,64}$/;

const STORED = "overread.filters";

/** Only what this version knows: a filter stored by another one must not hide rows without a sign. */
export function knownFilters(stored: unknown): WorklistFilters {
  const known: WorklistFilters = {};
  if (typeof stored !== "object" || stored === null) return known;
  const { pipeline } = stored as Record<string, unknown>;
  if (typeof pipeline === "string" && PIPELINE.test(pipeline)) known.pipeline = pipeline;
  for (const name of FIXED) {
    const value = (stored as Record<string, unknown>)[name];
    const allowed: readonly string[] = FILTERS[name];
    if (typeof value === "string" && allowed.includes(value)) known[name] = value;
  }
  return known;
}

/** Choosing "all" takes the filter away. */
export function withFilter(filters: WorklistFilters, name: FilterName, value: string): WorklistFilters {
  return knownFilters({ ...filters, [name]: value });
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
