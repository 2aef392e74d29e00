/** Reading rules: when a second reader is asked. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { get, post, remove } from "./client";
import type { components } from "./schema.gen";
import type { Page } from "./types";

type Schemas = components["schemas"];
export type Rule = Schemas["RuleView"];
export type NewRule = Required<Schemas["NewRule"]>;

const KEY = ["rules"] as const;

export function useRules() {
  return useQuery({ queryKey: KEY, queryFn: async () => (await get<Page<Rule>>("/reading-rules")).items });
}

function useChange<Asked, Answer>(change: (asked: Asked) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSettled: () => client.invalidateQueries({ queryKey: KEY }) });
}

export const useAddRule = () => useChange((rule: NewRule) => post<Rule>("/reading-rules", rule));
export const useEndRule = () => useChange((id: string) => remove(`/reading-rules/${id}`));
