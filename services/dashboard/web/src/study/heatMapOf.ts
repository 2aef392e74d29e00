/** Which file of a result shows where the model looked in a photograph. */
import type { Result } from "../api/types";
import type { Photograph } from "./photographs";

/** The map alone, or, where a result has no such file, the photograph under it. */
export type HeatMapFile = { name: string; alone: boolean };

/** The photograph's heat-map among the result's artifacts. */
export function heatMapOf(photograph: Photograph, result: Result | null): HeatMapFile | null {
  const own = new Set(photograph.reading?.artifacts);
  const named = (kind: string): string | undefined =>
    result?.artifacts.find((artifact) => artifact.kind === kind && own.has(artifact.name))?.name;
  const [alone, over] = [named("heatmap"), named("overlay")];
  if (alone !== undefined) return { name: alone, alone: true };
  return over === undefined ? null : { name: over, alone: false };
}
