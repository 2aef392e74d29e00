/** What the pages of the readings overnight ask the API for, and what they tell it. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { query } from "./address";
import { get, post } from "./client";
import { useConnection } from "./events";
import type { Saved } from "./saving";
import type { components } from "./schema.gen";
import type { Page } from "./types";

type Schemas = components["schemas"];

export type Batch = Schemas["BatchView"];
export type BatchState = Schemas["BatchState"];
export type BatchAsked = Schemas["BatchAsked"];
export type Preview = Schemas["services__api__batches__PreviewView"];
export type Change = Schemas["ChangeView"];
export type ChangeSide = Schemas["SideView"];
export type Summary = Schemas["SummaryView"];
export type BatchFailure = Schemas["FailedView"];
export type Taken = Schemas["Assignments"];
export type BatchAction = "pause" | "resume" | "cancel";

export const BATCHES = "batches";
/** A batch goes on without an event for each of its subjects: its counts are asked for again. */
const WATCH_MS = 5000;
/** What ran when it was paused ends, and its night comes: seldom enough. */
const REST_MS = 15_000;
const PAGE_SIZE = 50;
const MOVING: ReadonlySet<BatchState> = new Set(["planning", "running"]);

const ENDED: ReadonlySet<BatchState> = new Set(["cancelled", "finished", "failed"]);

export const isMoving = (batch: Batch): boolean => MOVING.has(batch.state);
export const hasEnded = (batch: Batch): boolean => ENDED.has(batch.state);

/** How soon batches are asked for again. */
function watched(batches: readonly Batch[]): number | false {
  if (batches.some(isMoving)) return WATCH_MS;
  return batches.every(hasEnded) ? false : REST_MS;
}

export function useBatches() {
  const polled = useConnection() === "polling";
  return useInfiniteQuery({
    queryKey: [BATCHES],
    queryFn: ({ pageParam }) => get<Page<Batch>>(`/batches${query({ limit: PAGE_SIZE, cursor: pageParam })}`),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page<Batch>) => last.next_cursor ?? null,
    refetchInterval: ({ state }) =>
      polled ? WATCH_MS : watched(state.data?.pages.flatMap((page) => page.items) ?? []),
  });
}

export function useBatch(id: string) {
  const polled = useConnection() === "polling";
  return useQuery({
    queryKey: [BATCHES, id],
    queryFn: () => get<Batch>(`/batches/${id}`),
    refetchInterval: ({ state }) => (polled ? WATCH_MS : watched(state.data ? [state.data] : [])),
  });
}

/** What could not be read; while any of it is read again, it is asked for again, with the batch's counts. */
export function useBatchFailures(id: string) {
  const client = useQueryClient();
  return useInfiniteQuery({
    queryKey: [BATCHES, id, "failures"],
    queryFn: async ({ pageParam }) => {
      void client.invalidateQueries({ queryKey: [BATCHES, id], exact: true });
      return get<Page<BatchFailure>>(`/batches/${id}/failures${query({ limit: PAGE_SIZE, cursor: pageParam })}`);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page<BatchFailure>) => last.next_cursor ?? null,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isReadAgain)) === true ? WATCH_MS : false,
  });
}

export const isReadAgain = (failure: BatchFailure): boolean =>
  failure.job_state === "queued" || failure.job_state === "running";

export function useSummary(id: string) {
  return useQuery({ queryKey: [BATCHES, id, "summary"], queryFn: () => get<Summary>(`/batches/${id}/summary`) });
}

export function summaryFile(id: string, format: "pdf" | "csv"): Saved {
  return { path: `/batches/${id}/summary${query({ format })}`, name: `overread-batch-${id}.${format}` };
}

export function useBatchAction(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: BatchAction) => post<Batch>(`/batches/${id}/${action}`, {}),
    onSettled: () => client.invalidateQueries({ queryKey: [BATCHES] }),
  });
}

export function usePreview() {
  return useMutation({ mutationFn: (asked: BatchAsked) => post<Preview>("/batches/preview", asked) });
}

export function useStartBatch() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ asked, once }: { asked: BatchAsked; once: string }) => post<Batch>("/batches", asked, once),
    onSuccess: () => client.invalidateQueries({ queryKey: [BATCHES] }),
  });
}

/** Rows of the worklist become the reader's own. */
export function useTake() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (rowId: string) => post<Taken>("/assignments", { row_ids: [rowId], user_id: "me" }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["worklist"] }),
  });
}
