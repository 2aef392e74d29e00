/** Reading before the machine is shown: the reader's setting, the blind word, and the figures of it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ApiError, get, patch, post } from "./client";
import { keys } from "./queries";
import type { components } from "./schema.gen";
import type { Me } from "./types";

type Schemas = components["schemas"];

export type Slot = Schemas["SlotView"];
export type Ask = Schemas["AskView"];
export type BlindRead = Schemas["BlindReadView"];
export type BlindWord = Required<Schemas["BlindReadRequest"]>;
export type Agreement = Schemas["AgreementOfReaders"];
export type PipelineAgreement = Schemas["PipelineAgreement"];
export type Bias = Schemas["BiasView"];
export type Share = Schemas["ShareView"];

const AGREEMENT = "agreement";

/** What was said is said, also where the answer to it was lost on the way. */
const wasSaid = (error: Error | null): boolean => error instanceof ApiError && error.code === "already_read";

/** With the setting everything that was loaded is another thing, so all of it is asked for again. */
export function useBlindFirst() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (on: boolean) => patch<Me>("/me", { blind_first: on }),
    onSuccess: (me) => {
      client.removeQueries({ predicate: (one) => one.queryKey[0] !== keys.me[0] });
      client.setQueryData(keys.me, me);
    },
  });
}

/** From the word on nothing of the slot is withheld: the study is asked for anew before the form goes. */
export function useBlindRead(studyId: string, slotId: string) {
  const client = useQueryClient();
  const shown = (): Promise<unknown> =>
    Promise.all([
      client.invalidateQueries({ queryKey: keys.study(studyId) }),
      client.invalidateQueries({ queryKey: keys.worklist }),
      client.invalidateQueries({ queryKey: [AGREEMENT] }),
    ]);
  return useMutation({
    mutationFn: (word: BlindWord) => post<BlindRead>(`/slots/${slotId}/blind-read`, word),
    onSuccess: shown,
    onError: (error) => (wasSaid(error) ? shown() : undefined),
  });
}

export function useMyAgreement() {
  return useQuery({ queryKey: [AGREEMENT, "mine"], queryFn: () => get<Agreement>("/me/agreement") });
}

/** Of all readers together; for those who may sign. */
export function useAgreement(mayRead: boolean) {
  return useQuery({ queryKey: [AGREEMENT, "all"], queryFn: () => get<Agreement>("/agreement"), enabled: mayRead });
}
