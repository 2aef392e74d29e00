/** Marks a reader sets in this visit: the last one can be taken back, and one that was not kept is told. */
import { useState } from "react";

import { useLook, type Look } from "../api/looks";
import type { Change } from "../api/overnight";

export type Failed = { look: Look; why: string };

export type Looks = {
  /** What was said last and kept; null before anything was. */
  last: Look | null;
  failed: Failed | null;
  say: (change: Change, seen: boolean) => void;
};

export function useLooks(batchId: string): Looks {
  const [last, setLast] = useState<Look | null>(null);
  const [failed, setFailed] = useState<Failed | null>(null);
  const look = useLook(batchId, {
    kept: setLast,
    failed: (what, error) => setFailed({ look: what, why: error.message }),
  });
  const say = (change: Change, seen: boolean): void => {
    setFailed(null);
    look.mutate({ change, seen });
  };
  return { last, failed, say };
}
