/** An outline that was just corrected, on its way to the verdict form beside it: its volumes and its id. */
import { useEffect, useRef } from "react";

import type { Laterality } from "../api/types";

export type Correction = {
  resultId: string;
  maskId: string;
  /** The structures that were changed alone, in ml; what was left alone keeps the machine's digits. */
  volumes: readonly { label: string; laterality: Laterality | null; value: number }[];
};
type Listener = (correction: Correction) => void;

const listeners = new Set<Listener>();

export function offerCorrection(correction: Correction): void {
  for (const listener of listeners) listener(correction);
}

/** Run for each correction of this result, as long as the component is shown. */
export function useCorrections(resultId: string, run: Listener): void {
  const current = useRef(run);
  useEffect(() => {
    current.current = run;
  });
  useEffect(() => {
    const heard: Listener = (correction) => {
      if (correction.resultId === resultId) current.current(correction);
    };
    listeners.add(heard);
    return () => {
      listeners.delete(heard);
    };
  }, [resultId]);
}
