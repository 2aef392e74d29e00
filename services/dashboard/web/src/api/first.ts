/** What the first page shows: its rows, asked for early, are waited for, and all else is asked for once they are there. */
import type { QueryClient } from "@tanstack/react-query";

import { countedFilters, keptFilters } from "../worklist/filters";
import { csrfToken } from "./address";
import { WORKLIST } from "./early";
import { meQuery, modelsQuery, worklistQuery } from "./queries";
import { countsQuery, sitesQuery, viewsQuery } from "./worklist";

/** How long the page waits for whom it is drawn for and for its rows; a slower server is waited for in the page. */
const PATIENCE_MS = 300;

/** Resolves when the rows are there, or late; it never fails: a page says itself what did not come. */
export async function askFirst(client: QueryClient, place: string): Promise<void> {
  if (csrfToken() === null) return;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const me = client.prefetchQuery(meQuery);
  if (place !== WORKLIST) return void (await Promise.race([me, late]));
  const filters = keptFilters();
  await Promise.race([Promise.all([me, client.prefetchInfiniteQuery(worklistQuery(filters))]), late]);
  // Asked for before the rows these would hold them up; now they are answered while the page is drawn.
  void client.prefetchQuery(countsQuery(countedFilters(filters)));
  void client.prefetchQuery(viewsQuery);
  void client.prefetchQuery(sitesQuery);
  void client.prefetchQuery(modelsQuery);
}
