/** What the picture pages ask for beside the study: earlier visits, pictures to compare with, and volumes. */
import { useQuery } from "@tanstack/react-query";

import { readAside } from "../picture/aside";
import type { Volume } from "../picture/nifti";
import { query } from "./address";
import { get, getBytes } from "./client";
import { artifactQuery, keys as base } from "./queries";
import type { components } from "./schema.gen";
import type { Page, StudyDetail } from "./types";

export type Prior = components["schemas"]["PriorView"];
export type GradeReferences = components["schemas"]["GradeReferences"];

export const keys = {
  priors: (studyId: string) => ["study", studyId, "priors"] as const,
  references: (pipeline: string, studyId: string) => ["references", pipeline, studyId] as const,
  volume: (resultId: string, name: string) => ["volume", resultId, name] as const,
};
/** Decoded volumes are large: they go soon after the last page that shows them. */
const VOLUME_KEPT_MS = 2000;
/** What earlier visits say and which pictures are signed changes seldom. */
const SELDOM_MS = 300_000;

/** The patient's earlier studies, newest first. */
export function usePriors(studyId: string) {
  return useQuery({
    queryKey: keys.priors(studyId),
    queryFn: async () => (await get<Page<Prior>>(`/studies/${studyId}/priors`)).items,
    staleTime: SELDOM_MS,
  });
}

/** An earlier study as it is shown beside today's. */
export function usePriorStudy(id: string | null) {
  return useQuery({
    queryKey: base.study(id ?? ""),
    queryFn: () => get<StudyDetail>(`/studies/${id}`),
    enabled: id !== null,
    staleTime: SELDOM_MS,
  });
}

export function useReferences(pipeline: string, studyId: string) {
  return useQuery({
    queryKey: keys.references(pipeline, studyId),
    queryFn: async () =>
      (await get<Page<GradeReferences>>(`/references${query({ pipeline, study_id: studyId })}`)).items,
    staleTime: SELDOM_MS,
  });
}

const DECODED = { staleTime: Infinity, gcTime: VOLUME_KEPT_MS, structuralSharing: false, retry: false } as const;

/** A decoded volume of a result; null asks for none. */
export function useVolume(resultId: string, name: string | null) {
  return useQuery<Volume>({
    ...DECODED,
    queryKey: keys.volume(resultId, name ?? ""),
    // The file may be there already, fetched while the study before was read.
    queryFn: async ({ client }) => readAside(await client.fetchQuery(artifactQuery(resultId, name ?? ""))),
    enabled: name !== null,
  });
}

/** The outline that a reader saved, decoded; it never changes under its id. */
export function useMaskVolume(maskId: string | null) {
  return useQuery<Volume>({
    ...DECODED,
    queryKey: ["mask", maskId],
    queryFn: async () => readAside(await getBytes(`/masks/${encodeURIComponent(maskId ?? "")}/content`)),
    enabled: maskId !== null,
  });
}
