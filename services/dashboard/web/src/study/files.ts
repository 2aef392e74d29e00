/** Which of a result's artifacts are files to take away: no pictures, and a whole series counts once. */
import type { Result } from "../api/types";
import { t } from "../text/messages";

type Artifact = Result["artifacts"][number];
export type Download = { artifact: Artifact; kind: string; count: number };

/** A few files are named one by one; more of one kind are a series. */
const MOST_NAMED = 4;

export function downloadsOf(result: Result): Download[] {
  const kinds = Object.keys(t.downloads.kinds);
  return kinds.flatMap((kind) => {
    const named = result.artifacts.filter((artifact) => artifact.kind === kind);
    const word = t.downloads.kinds[kind] ?? kind;
    const [first] = named;
    if (first !== undefined && named.length > MOST_NAMED) return [{ artifact: first, kind: word, count: named.length }];
    return named.map((artifact) => ({ artifact, kind: t.downloads.names[artifact.name] ?? word, count: 1 }));
  });
}
