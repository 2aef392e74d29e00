/** What the first page shows is asked for at once, side by side, while the page itself is still being made. */
import type { QueryClient } from "@tanstack/react-query";

import { countedFilters, keptFilters } from "../worklist/filters";
import { csrfToken } from "./client";
import { meQuery, modelsQuery, worklistQuery } from "./queries";
import { countsQuery, sitesQuery, viewsQuery } from "./worklist";

/** How long the page waits to be drawn once, with all it shows; a server that takes longer is waited for in the page. */
const PATIENCE_MS = 300;
const WORKLIST = "/";

/** Resolves when the answers are there, or late; it never fails: a page says itself what did not come. */
export async function askFirst(client: QueryClient, place: string): Promise<void> {
  if (csrfToken() === null) return;
  const asked = [client.prefetchQuery(meQuery)];
  if (place === WORKLIST) {
    const filters = keptFilters();
    asked.push(
      client.prefetchInfiniteQuery(worklistQuery(filters)),
      client.prefetchQuery(countsQuery(countedFilters(filters))),
      client.prefetchQuery(viewsQuery),
      client.prefetchQuery(sitesQuery),
      client.prefetchQuery(modelsQuery),
    );
  }
  await Promise.race([Promise.all(asked), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
}
