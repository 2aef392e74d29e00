/** Which results of a question its reader was shown: a signature settles those, and leaves open what came meanwhile. */
import { useState } from "react";

import type { Result } from "../api/types";

export type Seen = { ids: ReadonlySet<string>; open: (id: string) => void };

/** What was there when the page was opened, and what was opened on it since; a line that appears beside is no look. */
export function useSeen(results: readonly Result[]): Seen {
  const [ids, setIds] = useState<ReadonlySet<string>>(() => new Set(results.map((result) => result.id)));
  return { ids, open: (id) => setIds(new Set([...ids, id])) };
}

/** The newer result that waits for a reader, where this reader has not been shown it. */
export function unseenProposal(results: readonly Result[], seen: ReadonlySet<string>): Result | null {
  return results.find((result) => result.proposed && !seen.has(result.id)) ?? null;
}
