/** Outlines that readers corrected: which there are, and how one is saved. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { query } from "./address";
import { get, postFile } from "./client";
import type { Page } from "./types";
import type { components } from "./schema.gen";

export type Mask = components["schemas"]["MaskView"];
export type MaskVolume = components["schemas"]["MaskVolumeView"];

const masksKey = (resultId: string) => ["masks", resultId] as const;

export function useMasks(resultId: string) {
  return useQuery({
    queryKey: masksKey(resultId),
    queryFn: async () => (await get<Page<Mask>>(`/results/${encodeURIComponent(resultId)}/masks`)).items,
  });
}

/** `once` names the request: an outline whose answer was lost is sent again under its name, and saved once. */
export type Outline = { file: Blob; base: string | null; once: string };

export function useSaveMask(resultId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ file, base, once }: Outline) =>
      postFile<Mask>(`/results/${encodeURIComponent(resultId)}/masks${query({ base_mask_id: base })}`, file, once),
    onSettled: () => client.invalidateQueries({ queryKey: masksKey(resultId) }),
  });
}
