/** Outlines that readers corrected: which there are, their bytes, and how one is saved. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { get, getBytes, postFile, query } from "./client";
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

/** An outline never changes under its id, so it is asked for once. */
export function useMaskContent(maskId: string | null) {
  return useQuery({
    queryKey: ["mask", maskId],
    queryFn: () => getBytes(`/masks/${encodeURIComponent(maskId ?? "")}/content`),
    enabled: maskId !== null,
    staleTime: Infinity,
    gcTime: 60_000,
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
