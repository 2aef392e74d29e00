/** Words of the charts: the table behind each and what it says of gaps. */
export const charts = {
  charts: {
    table: "The figures as a table",
    day: "Week from",
    none: "No figures yet.",
    missing: "–",
    limit: (name: string) => `${name} (limit)`,
  },
} as const;
