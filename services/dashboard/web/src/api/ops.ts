/** What the operations pages ask, and what an administrator changes. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { query } from "./address";
import { get, patch, post, remove } from "./client";
import { usePages } from "./queries";
import type { components } from "./schema.gen";
import type { Page, Role } from "./types";

type Schemas = components["schemas"];
export type Overview = Schemas["OverviewView"];
export type Queue = Schemas["QueueView"];
export type Worker = Schemas["WorkerView"];
export type Place = Schemas["PlaceView"];
export type Failure = Schemas["FailureView"];
export type Retried = Schemas["RetryAnswer"];
export type Delivery = Schemas["DeliveryView"];
export type AuditRow = Schemas["AuditView"];
export type Chain = Schemas["ChainView"];
export type User = Schemas["UserView"];
export type UserChange = Partial<Schemas["UserChange"]>;
export type ApiKey = Schemas["KeyView"];
export type ShownKey = Schemas["ShownKey"];
export type Site = Schemas["SiteView"];
export type Policy = Schemas["PolicyView"];
export type Preview = Schemas["services__api__retention__PreviewView"];
export type NewPolicy = Required<Schemas["NewPolicy"]>;

/** Figures of the present are asked again this often while somebody looks: no event tells of each of them. */
const LOOK_AGAIN_MS = 5000;
/** The most a list gives at once; who chooses one of all users or keys is shown these. */
const MOST = 200;

export const opsKeys = {
  overview: ["operations", "overview"] as const,
  failures: ["operations", "failures"] as const,
  deliveries: ["operations", "deliveries"] as const,
  audit: ["operations", "audit"] as const,
  chain: ["operations", "chain"] as const,
  users: ["operations", "users"] as const,
  keys: ["operations", "keys"] as const,
  sites: ["operations", "sites"] as const,
  retention: ["operations", "retention"] as const,
};

function useNow<Answer>(queryKey: readonly string[], path: string) {
  return useQuery({ queryKey, queryFn: () => get<Answer>(path), refetchInterval: LOOK_AGAIN_MS });
}

function useAll<Item>(queryKey: readonly string[], path: string) {
  return useQuery({ queryKey: [...queryKey, "all"], queryFn: async () => (await get<Page<Item>>(path)).items });
}

export const useOverview = () => useNow<Overview>(opsKeys.overview, "/operations/overview");
export const useChain = () => useNow<Chain>(opsKeys.chain, "/audit/chain");
export const useFailures = () => useNow<Page<Failure>>(opsKeys.failures, "/operations/failures");
export const useDeliveries = (filters: Record<string, string>) =>
  usePages<Delivery>(opsKeys.deliveries, "/deliveries", filters);
export const useAudit = (filters: Record<string, string>) => usePages<AuditRow>(opsKeys.audit, "/audit", filters);
export const useUsers = () => usePages<User>(opsKeys.users, "/users", {});
export const useApiKeys = () => usePages<ApiKey>(opsKeys.keys, "/keys", {});
export const useAllUsers = () => useAll<User>(opsKeys.users, `/users${query({ limit: MOST })}`);
export const useAllKeys = () => useAll<ApiKey>(opsKeys.keys, `/keys${query({ limit: MOST })}`);
export const useSites = () => useAll<Site>(opsKeys.sites, `/sites${query({ limit: MOST })}`);
export const usePolicies = () => useAll<Policy>(opsKeys.retention, "/retention");

export function usePreview(policyId: string) {
  return useQuery({
    queryKey: [...opsKeys.retention, policyId],
    queryFn: () => get<Preview>(`/retention/${policyId}/preview`),
    staleTime: 0,
  });
}

/** A change, after which everything on the operations pages is asked anew: what one row does shows in others. */
function useChange<Asked, Answer>(change: (asked: Asked) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["operations"] });
      void client.invalidateQueries({ queryKey: ["jobs"] });
    },
  });
}

const queuePath = (name: string, verb: string): string => `/queues/${encodeURIComponent(name)}/${verb}`;

export const useQueueSwitch = () =>
  useChange(({ name, pause }: { name: string; pause: boolean }) =>
    post<Queue>(queuePath(name, pause ? "pause" : "resume"), {}),
  );
export const useQueueLimit = () =>
  useChange(({ name, limit }: { name: string; limit: number | null }) =>
    post<Queue>(queuePath(name, "limit"), { running_limit: limit }),
  );
export const useRetryAll = () =>
  useChange(({ state, pipeline, error_code }: Failure) =>
    post<Retried>("/jobs/retry", { state, pipeline, error_code }),
  );
export const useSendAgain = () => useChange((id: string) => post<Delivery>(`/deliveries/${id}/retry`, {}));
export const useAddUser = () =>
  useChange((user: { name: string; password: string; role: Role }) => post<User>("/users", user));
export const useChangeUser = () =>
  useChange(({ id, ...change }: UserChange & { id: string }) => patch<User>(`/users/${id}`, change));
export const useMakeKey = () =>
  useChange((key: { name: string; role: Role; site_id: string | null }) => post<ShownKey>("/keys", key));
export const useRevokeKey = () => useChange((id: string) => remove(`/keys/${id}`));
export const useAddPolicy = () => useChange((policy: NewPolicy) => post<Policy>("/retention", policy));
export const useApprove = () =>
  useChange(({ id, studies }: { id: string; studies: number }) =>
    post<Policy>(`/retention/${id}/approve`, { studies }),
  );
export const useEndPolicy = () => useChange((id: string) => remove(`/retention/${id}`));
