/** The worklist's filters, by the names of the API's query; kept for the length of the browser tab. */
export const FILTERS = {
  review_state: ["unread", "drafted", "signed"],
  urgency: ["stat", "urgent", "check", "routine"],
  job_state: ["queued", "running", "succeeded", "failed", "quarantined", "cancelled"],
} as const;

export type FilterName = keyof typeof FILTERS;
export type WorklistFilters = Partial<Record<FilterName, string>>;

const STORED = "overread.filters";

/** Only what this version knows: a filter stored by another one must not hide rows without a sign. */
export function knownFilters(stored: unknown): WorklistFilters {
  const known: WorklistFilters = {};
  if (typeof stored !== "object" || stored === null) return known;
  for (const name of Object.keys(FILTERS) as FilterName[]) {
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
