/** Who changes: the changes of a batch as the pages ask for them, and the marks that readers set on them. */
import {
  useInfiniteQuery,
  useMutation,
  useQueryClient,
  type InfiniteData,
  type QueryClient,
} from "@tanstack/react-query";

import { query } from "./address";
import { get, post, remove } from "./client";
import { useConnection } from "./events";
import { withMark } from "../batches/triage";
import { newKey } from "./once";
import { BATCHES, type Change } from "./overnight";
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type ChangesPage = Schemas["ChangesPage"];
export type Looked = Schemas["LookedView"];
type Seen = Schemas["SeenView"];

export type Sought = { kind: string; unseen: boolean };
/** What a reader says of a change: that they looked at it, or that they take that back. */
export type Look = { change: Change; seen: boolean };

const PAGE_SIZE = 50;
/** While the live connection is away. Not oftener: each time leaves a row in the audit. */
const POLL_MS = 30_000;

const changesKey = (batchId: string): readonly unknown[] => [BATCHES, batchId, "changes"];

/** The gravest first; opening them is noted in the audit. */
export function useChanges(batchId: string, { kind, unseen }: Sought) {
  const polled = useConnection() === "polling";
  return useInfiniteQuery({
    queryKey: [...changesKey(batchId), kind, unseen],
    queryFn: ({ pageParam }) => {
      const asked = { kind, unseen: unseen ? "true" : null, limit: PAGE_SIZE, cursor: pageParam };
      return get<ChangesPage>(`/batches/${batchId}/changes${query(asked)}`);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last: ChangesPage) => last.next_cursor ?? null,
    refetchInterval: polled ? POLL_MS : false,
  });
}

type Heard = { kept: (look: Look) => void; failed: (look: Look, error: Error) => void };

/** Each is sent once; what became of it is heard also where another was said meanwhile. */
export function useLook(batchId: string, { kept, failed }: Heard) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ change, seen }: Look): Promise<Seen | null> => {
      const path = `/batches/${batchId}/changes/${change.id}/seen`;
      if (seen) return post<Seen>(path, { new_result_id: change.new.result_id }, newKey());
      await remove(path);
      return null;
    },
    onSuccess: (said, look) => {
      remember(client, batchId, look.change, said);
      kept(look);
    },
    onError: (error, look) => {
      failed(look, error);
      void client.invalidateQueries({ queryKey: changesKey(batchId) });
    },
  });
}

/** What was said shows at once; the live event has the lists asked again. */
function remember(client: QueryClient, batchId: string, change: Change, seen: Seen | null): void {
  client.setQueriesData<InfiniteData<ChangesPage>>(
    { queryKey: changesKey(batchId) },
    (list) => list && { ...list, pages: list.pages.map((page) => withMark(page, change, seen)) },
  );
}
