/** What a study that is being opened needs is asked for at once, side by side with the page that will show it. */
import { useQueryClient, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { keys, rowsOf, studyQuery } from "../api/queries";
import type { Page, WorklistRow } from "../api/types";
import { kindOf } from "./kinds";
import { VolumeViewer } from "./viewers";

/** `id` is the study whose page is loading or open; null where there is none. */
export function useOpening(id: string | null): void {
  const client = useQueryClient();
  useEffect(() => {
    if (id === null) return;
    void client.prefetchQuery(studyQuery(id));
    if (listsVolumes(client, id)) loadVolumeViewer();
  }, [client, id]);
}

/** Whether the worklist, as far as it is here, holds volumes: of that study, or of any. */
export function listsVolumes(client: QueryClient, studyId?: string): boolean {
  const lists = client.getQueriesData<InfiniteData<Page<WorklistRow>>>({ queryKey: [...keys.worklist, "rows"] });
  return lists
    .flatMap(([, list]) => rowsOf(list))
    .some((row) => (studyId === undefined || row.id === studyId) && volumes(row.pipeline));
}

/** A file that does not come now is asked for again, and complained of, by the page that shows it. */
export function loadVolumeViewer(): void {
  VolumeViewer.load().catch(() => undefined);
}

function volumes(pipeline: string | null): boolean {
  return pipeline !== null && kindOf(pipeline) === "volumes";
}
