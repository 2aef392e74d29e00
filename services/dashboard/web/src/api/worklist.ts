/** What the worklist asks the API for beside its rows: views, counts, search, readers and who is to read what. */
import {
  keepPreviousData,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";

import { query } from "./address";
import { get, post, put, remove } from "./client";
import { keys } from "./queries";
import type { components } from "./schema.gen";
import type { Page, WorklistRow } from "./types";

type Schemas = components["schemas"];
export type ViewCount = Schemas["ViewCount"];
export type SavedView = Schemas["View"];
export type Counts = Schemas["WorklistCounts"];
export type Reader = Schemas["ColleagueView"];
export type Site = Schemas["SiteView"];
export type Assignments = Schemas["Assignments"];

const SEARCH_PAGE = 200;
/** Readers and sites are few: one page of them is all. */
const WHOLE_LIST = 200;

export const viewsQuery = queryOptions({
  queryKey: [...keys.worklist, "views"],
  queryFn: async () => (await get<Schemas["ViewCounts"]>("/views/counts")).views,
});
export const useViews = () => useQuery({ ...viewsQuery, placeholderData: keepPreviousData });

export const countsQuery = (filters: Record<string, string>) =>
  queryOptions({
    queryKey: [...keys.worklist, "counts", filters],
    queryFn: () => get<Counts>(`/studies/counts${query(filters)}`),
  });
export const useCounts = (filters: Record<string, string>) =>
  useQuery({ ...countsQuery(filters), placeholderData: keepPreviousData });

/** Each search leaves a row in the audit, so an answer is asked for again only where the reader asks again. */
export function useSearch(text: string) {
  return useInfiniteQuery({
    queryKey: ["search", text],
    queryFn: ({ pageParam }) =>
      post<Page<WorklistRow>>(`/studies/search${query({ limit: SEARCH_PAGE, cursor: pageParam })}`, { text }),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page<WorklistRow>) => last.next_cursor ?? null,
    enabled: text !== "",
    staleTime: Infinity,
  });
}

export function useReaders() {
  return useQuery({
    queryKey: ["readers"],
    queryFn: async () => (await get<Page<Reader>>(`/readers${query({ limit: WHOLE_LIST })}`)).items,
  });
}

export const sitesQuery = queryOptions({
  queryKey: ["sites"],
  queryFn: async () => (await get<Page<Site>>(`/sites${query({ limit: WHOLE_LIST })}`)).items,
  staleTime: Infinity,
});
export const useSites = () => useQuery(sitesQuery);

type Kept = { name: string; filters: Record<string, string> };

function useViewsChange<Asked, Answer>(ask: (asked: Asked) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ask,
    onSettled: () => client.invalidateQueries({ queryKey: [...keys.worklist, "views"] }),
  });
}

export const useKeepView = () => useViewsChange((view: Kept) => post<SavedView>("/views", view));
export const useRenameView = () =>
  useViewsChange(({ id, ...view }: Kept & { id: string }) => put<SavedView>(`/views/${encodeURIComponent(id)}`, view));
export const useForgetView = () => useViewsChange((id: string) => remove(`/views/${encodeURIComponent(id)}`));

export type Assigning = { row_ids: string[]; user_id: string | null; take_over: boolean };

export function useAssign() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (asked: Assigning) => post<Assignments>("/assignments", asked),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: keys.worklist }),
        client.invalidateQueries({ queryKey: ["search"] }),
      ]),
  });
}
