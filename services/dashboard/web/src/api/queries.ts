/** What the pages ask the API for, each with its key; live events name the same keys. */
import {
  QueryCache,
  QueryClient,
  MutationCache,
  infiniteQueryOptions,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type InfiniteData,
} from "@tanstack/react-query";
import { useMemo } from "react";

import { FIRST_PAGE } from "./address";
import { artifactPath, csrfToken, query } from "./address";
import { ApiError, get, getBytes, post, remove } from "./client";
import { t } from "../text/messages";
import { dropAllUnsaved } from "../study/unsaved";
import { forgetPlace } from "../worklist/place";
import { useConnection } from "./events";
import type {
  Alarm,
  Job,
  Me,
  ModelDetail,
  ModelSummary,
  Page,
  Reason,
  Rejection,
  StudyDetail,
  WorklistRow,
} from "./types";

/** How often the page asks again while the live connection is away. */
const POLL_MS = 5000;
const SCROLLED_PAGE_SIZE = 500;

export const keys = {
  me: ["me"] as const,
  worklist: ["worklist"] as const,
  study: (id: string) => ["study", id] as const,
  jobs: ["jobs"] as const,
  rejections: ["rejections"] as const,
  models: ["models"] as const,
  reasons: ["reasons"] as const,
  alarms: ["alarms"] as const,
};

/** A session that ended anywhere shows the login over the page, so that nothing typed is lost. */
export function makeQueryClient(): QueryClient {
  const onError = (error: Error): void => {
    if (error instanceof ApiError && error.status === 401) client.setQueryData(keys.me, null);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (count, error) => count < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      },
      // What was written is kept by the page that wrote it, and goes with it: a reader's day has hundreds of words.
      mutations: { gcTime: 0 },
    },
  });
  return client;
}

/** While events arrive nothing is polled. */
export function usePolling(): number | false {
  return useConnection() === "polling" ? POLL_MS : false;
}

/** Without the token's cookie there is no session to ask about. */
export async function whoAmI(): Promise<Me | null> {
  if (csrfToken() === null) return null;
  try {
    return await get<Me>("/me");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export const meQuery = queryOptions({ queryKey: keys.me, queryFn: whoAmI, staleTime: Infinity });
export const useMe = () => useQuery(meQuery);

/** `before` is whose page the login stands over; another person finds nothing of what that one was shown. */
export function useLogIn(before: Me | null) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (credentials: { name: string; password: string }) => post<{ user: Me }>("/session", credentials),
    onSuccess: ({ user }) => {
      if (before !== null && before.id !== user.id) {
        client.removeQueries({ predicate: (one) => one.queryKey[0] !== keys.me[0] });
      }
      return client.invalidateQueries();
    },
  });
}

/** A session that has ended already is as good as ended now. */
async function endSession(): Promise<void> {
  try {
    await remove("/session");
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  }
}

/** The page is loaded anew: nothing that was shown or typed stays on the screen, in memory or in the address. */
export function useLogOut() {
  return useMutation({
    mutationFn: endSession,
    onSuccess: () => {
      dropAllUnsaved();
      forgetPlace();
      location.replace("/");
    },
  });
}

/** The first page is small, to be seen soon; of a list that is scrolled through the later ones are larger. */
function pagesQuery<Item>(key: readonly unknown[], path: string, filters: Record<string, string>, laterSize: number) {
  return infiniteQueryOptions({
    queryKey: [...key, filters],
    queryFn: ({ pageParam }) => {
      const limit = pageParam === null ? FIRST_PAGE : laterSize;
      return get<Page<Item>>(`${path}${query({ ...filters, limit, cursor: pageParam })}`);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page<Item>) => last.next_cursor ?? null,
  });
}

export function usePages<Item>(key: readonly unknown[], path: string, filters: Record<string, string>) {
  return useInfiniteQuery({ ...pagesQuery<Item>(key, path, filters, FIRST_PAGE), refetchInterval: usePolling() });
}

export const worklistQuery = (filters: Record<string, string>) =>
  pagesQuery<WorklistRow>([...keys.worklist, "rows"], "/studies", filters, SCROLLED_PAGE_SIZE);
export const useWorklist = (filters: Record<string, string>) =>
  useInfiniteQuery({ ...worklistQuery(filters), refetchInterval: usePolling() });
export const useJobs = (filters: Record<string, string>) => usePages<Job>(keys.jobs, "/jobs", filters);
export const useRejections = () => usePages<Rejection>(keys.rejections, "/rejections", {});

export function rowsOf<Item>(data: InfiniteData<Page<Item>> | undefined): Item[] {
  return data?.pages.flatMap((page) => page.items) ?? [];
}

export const studyQuery = (id: string) =>
  queryOptions({ queryKey: keys.study(id), queryFn: () => get<StudyDetail>(`/studies/${id}`) });
export const useStudy = (id: string) => useQuery({ ...studyQuery(id), refetchInterval: usePolling() });

export function useReasons() {
  return useQuery({
    queryKey: keys.reasons,
    queryFn: async () => (await get<Page<Reason>>("/reasons")).items,
    staleTime: Infinity,
  });
}

export function useAlarms() {
  const refetchInterval = usePolling();
  const queryFn = async () => (await get<Page<Alarm>>("/alarms")).items;
  return useQuery({ queryKey: keys.alarms, queryFn, refetchInterval });
}

/** An artifact never changes under its name, so it is asked for once. */
export const artifactQuery = (resultId: string, name: string) =>
  queryOptions({
    queryKey: ["artifact", resultId, name],
    queryFn: () => getBytes(artifactPath(resultId, name)),
    staleTime: Infinity,
    gcTime: 60_000,
  });
export const useArtifact = (resultId: string, name: string | null) =>
  useQuery({ ...artifactQuery(resultId, name ?? ""), enabled: name !== null });

export function useJobAction(action: "retry" | "cancel") {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (jobId: string) => post<Job>(`/jobs/${jobId}/${action}`, {}),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.jobs });
      void client.invalidateQueries({ queryKey: keys.worklist });
      void client.invalidateQueries({ queryKey: ["study"] });
      void client.invalidateQueries({ queryKey: ["batches"] });
    },
  });
}

export const modelsQuery = queryOptions({
  queryKey: keys.models,
  queryFn: async () => (await get<Page<ModelSummary>>("/models")).items,
});
export const useModels = () => useQuery(modelsQuery);

/** The pipelines one may ask the worklist for: those with words of their own, and those of added models. */
export function usePipelines(): string[] {
  const models = useModels().data;
  return useMemo(
    () => [...new Set([...Object.keys(t.pipelines), ...(models ?? []).map((model) => model.pipeline)])],
    [models],
  );
}

export function useModel(name: string) {
  return useQuery({
    queryKey: [...keys.models, name],
    queryFn: () => get<ModelDetail>(`/models/${encodeURIComponent(name)}`),
  });
}
