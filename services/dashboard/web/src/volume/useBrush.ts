/** The brush in the reader's hand: which tool, structure and size, by pointer or at the crosshair, and the keys for it. */
import { useState } from "react";

import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import type { Axis } from "./drawing";
import type { Spot } from "./engine";
import type { Hand } from "./Stage";
import type { Outline } from "./useOutline";

export const TOOLS = ["look", "brush", "erase"] as const;
export type Tool = (typeof TOOLS)[number];
/** Millimetres across. */
export const SIZES = [1, 2, 3, 4, 6, 8, 12] as const;
const USUAL_SIZE = 3;

export function useBrush(outline: Outline, spot: Spot | null, plane: Axis, may: boolean) {
  const [chosenTool, setTool] = useState<Tool>("look");
  const tool = may ? chosenTool : "look";
  const [size, setSize] = useState<number>(USUAL_SIZE);
  const [chosen, setStructure] = useState<number | null>(null);
  const structure = chosen ?? outline.structures[0]?.number ?? 0;
  const ready = tool !== "look" && outline.shown !== null && !outline.busy;
  const radius = size / 2;

  const toggle = (one: Tool): void => setTool(tool === one ? "look" : one);
  const resize = (by: number): void => {
    const place = SIZES.findIndex((one) => one >= size) + by;
    setSize(SIZES[Math.min(SIZES.length - 1, Math.max(0, place))] ?? size);
  };
  const next = (): void => {
    const place = outline.structures.findIndex((one) => one.number === structure);
    setStructure(outline.structures[(place + 1) % outline.structures.length]?.number ?? null);
  };
  const begin = (): unknown => outline.begin(tool === "erase" ? 0 : structure);
  const hand: Hand = {
    begin: (at, axis) => {
      begin();
      outline.dab(at, axis, radius);
    },
    move: (from, to, axis) => outline.drag(from, to, axis, radius),
    end: outline.end,
  };
  const paint = (): void => {
    if (!ready || spot === null) return;
    begin();
    outline.dab(spot.voxel, plane, radius);
    outline.end();
  };
  const k = KEYS.volume;
  useShortcuts(
    may
      ? [
          { keys: k.brush, run: () => toggle("brush") },
          { keys: k.eraser, run: () => toggle("erase") },
          { keys: k.paint, run: paint },
          { keys: k.structure, run: next },
          { keys: k.smaller, run: () => resize(-1) },
          { keys: k.larger, run: () => resize(1) },
          { keys: k.undoStroke, run: outline.undo },
          { keys: k.redoStroke, run: outline.redo },
          { keys: k.saveOutline, run: () => (outline.dirty && !outline.busy ? outline.save() : undefined) },
        ]
      : [],
  );
  return { tool, setTool, size, setSize, structure, setStructure, ready, hand };
}

export type Brush = ReturnType<typeof useBrush>;
