/** What the models' pages ask the API for beside the models themselves, and what an administrator decides. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { query } from "./address";
import { get, post } from "./client";
import { keys } from "./queries";
import type { components } from "./schema.gen";
import type { ModelDetail } from "./types";

type Schemas = components["schemas"];

export type Drift = Schemas["DriftView"];
export type MeasureName = Drift["measures"][number]["name"];
export type Agreement = Schemas["AgreementView"];
export type Comparison = Schemas["ComparisonView"];
export type Share = Schemas["ShareView"];
/** A decision about a version; a rollback names none, since it undoes the newest one. */
export type Decision = { action: "promote" | "shadow" | "retire"; version: string } | { action: "rollback" };

/** Figures of weeks do not change from one minute to the next. */
const FRESH_MS = 60_000;

function path(name: string, part: string): string {
  return `/models/${encodeURIComponent(name)}/${part}`;
}

export function useDrift(name: string, version: string, weeks: number) {
  return useQuery({
    queryKey: [...keys.models, name, "drift", version, weeks],
    queryFn: () => get<Drift>(`${path(name, "drift")}${query({ version, weeks })}`),
    staleTime: FRESH_MS,
  });
}

export function useAgreement(name: string, weeks: number) {
  return useQuery({
    queryKey: [...keys.models, name, "agreement", weeks],
    queryFn: () => get<Agreement>(`${path(name, "agreement")}${query({ weeks })}`),
    staleTime: FRESH_MS,
  });
}

export function useComparison(name: string, version: string) {
  return useQuery({
    queryKey: [...keys.models, name, "comparison", version],
    queryFn: () => get<Comparison>(`${path(name, "comparison")}${query({ version })}`),
    staleTime: FRESH_MS,
  });
}

export function useDecide(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ reason, once, ...decision }: Decision & { reason: string; once: string }) => {
      const named = decision.action === "rollback" ? { reason } : { version: decision.version, reason };
      return post<ModelDetail>(path(name, decision.action), named, once);
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.models }),
  });
}
