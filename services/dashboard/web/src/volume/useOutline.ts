/** The outline that is shown and corrected: the model's or a reader's, the strokes on it, and how they are saved. */
import { useEffect, useState } from "react";

import { ApiError } from "../api/client";
import { useMasks, useSaveMask, type Mask, type Outline as Sent } from "../api/masks";
import { newKey } from "../api/once";
import { useMaskVolume, useVolume } from "../api/pictures";
import { useArtifact } from "../api/queries";
import type { Me, Result } from "../api/types";
import { readNifti, type Volume } from "../picture/nifti";
import { offerWord } from "../study/offers";
import { placeOf as placeOfWord } from "../study/unsaved";
import { machineAnswers } from "../study/verdict";
import { correctedAnswers } from "./corrected";
import { begin, dab, drag, drawingOf, redo, undo, type Axis, type Drawing } from "./drawing";
import type { Engine } from "./engine";
import { toFile, toGrid, type Triple } from "./grid";
import { differenceOf, dropStrokes, keepStrokes, keptStrokes, placeOfStrokes, withRuns } from "./kept";
import { labelFile } from "./labelFile";
import { structuresOf, type Structure } from "./structures";

const NONE: readonly Mask[] = [];

export type Shown = {
  /** Null: the model's. */
  maskId: string | null;
  structures: readonly Structure[];
  /** As it was opened, without the strokes. */
  base: Uint8Array;
  /** How many voxels held each label then. */
  before: Uint32Array;
  drawing: Drawing;
  restored: boolean;
};

export function useOutline(engine: Engine | null, result: Result, me: Me) {
  const model = useArtifact(result.id, nameOf(result, "segmentation"));
  const modelled = useVolume(result.id, nameOf(result, "segmentation"));
  const segments = useArtifact(result.id, nameOf(result, "segments"));
  const masks = useMasks(result.id);
  const [chosen, choose] = useState<string | null | undefined>(undefined);
  const newest = masks.data?.at(-1)?.id ?? null;
  const maskId = chosen === undefined ? newest : chosen;
  const corrected = useMaskVolume(maskId);
  const outline = maskId === null ? modelled.data : corrected.data;
  const [shown, setShown] = useState<Shown | null>(null);
  // The drawing changes in place; this counts the changes that the page has to show.
  const [, setStrokes] = useState(0);
  const [roomy, setRoomy] = useState(true);
  const save = useSaveMask(result.id);
  // What was sent and never answered: it may have arrived, so that it is sent again as it was.
  const [unanswered, setUnanswered] = useState<Sent | null>(null);
  const place = placeOfStrokes(me.user_id, result.id);
  const settled = !masks.isPending;

  useEffect(() => {
    if (engine === null || outline === undefined || segments.data === undefined || !settled) return;
    let left = false;
    const structures = structuresOf(segments.data);
    void Promise.resolve(outline).then(({ values }) => {
      if (left) return;
      const { grid } = engine;
      const base = toGrid(grid, values);
      const kept = keptStrokes(place, maskId);
      const labels = kept === null ? base.slice() : withRuns(base, kept.runs);
      engine.setLabels(labels, structures);
      const drawing = drawingOf(grid.size, grid.spacing, labels);
      const before = kept === null ? drawing.counts.slice() : drawingOf(grid.size, grid.spacing, base).counts;
      setShown({ maskId, structures, base, before, drawing, restored: kept !== null });
      // From now on another reader's outline does not take this one's place by itself.
      choose(maskId);
    });
    return () => {
      left = true;
    };
  }, [engine, outline, segments.data, settled, place, maskId]);

  const changed = (): void => {
    if (shown === null) return;
    engine?.redraw();
    setStrokes((count) => count + 1);
  };
  const keep = (): void => {
    if (shown === null) return;
    const runs = differenceOf(shown.base, shown.drawing.labels);
    if (runs.length === 0) dropStrokes(place);
    else setRoomy(keepStrokes(place, { base: shown.maskId, runs }));
    setUnanswered(null);
    save.reset();
    changed();
  };
  const discard = (): void => {
    if (shown === null) return;
    dropStrokes(place);
    setUnanswered(null);
    save.reset();
    const labels = shown.base.slice();
    engine?.setLabels(labels, shown.structures);
    setShown({ ...shown, drawing: drawingOf(shown.drawing.size, shown.drawing.spacing, labels), restored: false });
  };
  const send = async (base: string | null): Promise<void> => {
    if (shown === null || engine === null || model.data === undefined) return;
    const packed = await labelFile(model.data, toFile(engine.grid, shown.drawing.labels));
    const before = countsOf(await readNifti(model.data));
    const sent = unanswered ?? { file: packed, base, once: newKey() };
    save.mutate(sent, {
      onError: (error) => setUnanswered(neverAnswered(error) ? sent : null),
      onSuccess: (mask) => {
        setUnanswered(null);
        dropStrokes(place);
        choose(mask.id);
        const answers = { ...machineAnswers(result), ...correctedAnswers(mask, shown.structures, before, result.findings) };
        offerWord(placeOfWord(me.user_id, result.slot_id), { verdict: "edit", answers, maskId: mask.id });
      },
    });
  };
  const dirty = shown !== null && (shown.restored || shown.drawing.done.length > 0);
  return {
    shown,
    masks: masks.data ?? NONE,
    maskId,
    choose,
    dirty,
    roomy,
    structures: shown?.structures ?? [],
    begin: (label: number) => shown && begin(shown.drawing, label),
    dab: (at: Triple, axis: Axis, radius: number) => {
      if (shown) dab(shown.drawing, at, axis, radius);
      changed();
    },
    drag: (from: Triple, to: Triple, axis: Axis, radius: number) => {
      if (shown) drag(shown.drawing, from, to, axis, radius);
      changed();
    },
    end: keep,
    undo: () => shown && undo(shown.drawing) && keep(),
    redo: () => shown && redo(shown.drawing) && keep(),
    discard,
    save: () => void send(shown?.maskId ?? null),
    saveOnTop: () => void send(newest),
    busy: save.isPending,
    error: save.error,
    unsure: neverAnswered(save.error),
    conflict: save.error instanceof ApiError && save.error.code === "review_conflict",
    saved: save.data ?? null,
  };
}

export type Outline = ReturnType<typeof useOutline>;

export function nameOf(result: Result, kind: string): string | null {
  return result.artifacts.find((artifact) => artifact.kind === kind)?.name ?? null;
}

function neverAnswered(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 0;
}

function countsOf({ values }: Volume): Map<number, number> {
  const counts = new Map<number, number>();
  for (const label of values) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}
