/** Lengths between two voxels of a slice: by dragging, or by a key at each end. */
import { useEffect, useState } from "react";

import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import type { Axis } from "./drawing";
import type { Engine, Line, Spot } from "./engine";
import type { Triple } from "./grid";

export function useMeasure(engine: Engine | null, spot: Spot | null, plane: Axis) {
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [begun, setBegun] = useState<Triple | null>(null);
  useEffect(() => engine?.setLines(lines), [engine, lines]);

  const add = (line: Line): void => {
    setBegun(null);
    if (line.from.some((place, axis) => place !== line.to[axis])) setLines([...lines, line]);
  };
  const mark = (): void => {
    if (spot === null) return;
    if (begun === null) setBegun(spot.voxel);
    else add({ axis: plane, from: begun, to: spot.voxel });
  };
  const clear = (): void => {
    setBegun(null);
    setLines([]);
  };
  useShortcuts([
    { keys: KEYS.volume.measure, run: mark },
    { keys: KEYS.volume.clearMeasures, run: clear },
  ]);
  return { lines, begun, add, mark, clear };
}

export type Measure = ReturnType<typeof useMeasure>;
