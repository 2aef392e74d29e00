/** How a volume is looked at: layout, plane in hand, window, map, outline, crosshair, and the keys for it. */
import { useEffect, useState } from "react";

import { useArtifact } from "../api/queries";
import type { Result } from "../api/types";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import type { Axis } from "./drawing";
import { drawsSlowly, LAYOUTS, type Engine, type Layout, type Spot } from "./engine";
import type { Triple } from "./grid";
import { nameOf } from "./useOutline";
import { PRESETS, windowOf, type Preset, type Window } from "./windows";

export const MAPS = ["none", "uncertainty", "explanation"] as const;
export type MapKind = (typeof MAPS)[number];
const PLANE_OF: Partial<Record<Layout, Axis>> = { sagittal: 0, coronal: 1, axial: 2 };
export const OPACITY_STEP = 0.1;
const ZOOM_STEP = 1.25;
/** Which way an arrow goes in each plane: along which axis, and how. Right of the picture is the patient's left. */
const ARROWS: Readonly<Record<string, (axis: Axis) => readonly [Axis, number]>> = {
  ArrowLeft: (axis) => (axis === 0 ? [1, -1] : [0, 1]),
  ArrowRight: (axis) => (axis === 0 ? [1, 1] : [0, -1]),
  ArrowUp: (axis) => (axis === 2 ? [1, 1] : [2, 1]),
  ArrowDown: (axis) => (axis === 2 ? [1, -1] : [2, -1]),
};

export function useView(engine: Engine | null, spot: Spot | null, result: Result) {
  const [slow] = useState(drawsSlowly);
  const [layout, setLayout] = useState<Layout>(slow ? "planes" : "planes3d");
  const [held, setPlane] = useState<Axis>(1);
  const [preset, setPreset] = useState<Preset>("auto");
  const [window, setWindow] = useState<Window | null>(null);
  const [outlined, setOutlined] = useState(true);
  const [opacity, setOpacity] = useState(0.6);
  const [map, setMap] = useState<MapKind>("none");
  const [mapOpacity, setMapOpacity] = useState(0.6);
  const file = useArtifact(result.id, map === "none" ? null : nameOf(result, map));
  const plane = PLANE_OF[layout] ?? held;

  useEffect(() => engine?.show(layout), [engine, layout]);
  useEffect(() => {
    if (engine !== null && window !== null) engine.setWindow(window);
  }, [engine, window]);
  useEffect(() => engine?.setOutlineOpacity(outlined ? opacity : 0), [engine, outlined, opacity]);
  useEffect(() => {
    if (engine !== null) void engine.setMap(map === "none" ? null : (file.data ?? null), mapOpacity);
    // The opacity alone has a way of its own below, which does not read the file again.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [engine, map, file.data]);
  useEffect(() => engine?.setMapOpacity(mapOpacity), [engine, mapOpacity]);

  const choosePreset = (next: Preset): void => {
    setPreset(next);
    if (engine !== null && (next !== "manual" || window === null)) setWindow(windowOf(next, engine.values));
  };
  const moveBy = (axis: Axis, voxels: number): void => {
    if (engine === null || spot === null) return;
    const voxel: [number, number, number] = [...spot.voxel];
    voxel[axis] += voxels;
    engine.moveTo(voxel as Triple);
  };
  const maps = MAPS.filter((kind) => kind === "none" || nameOf(result, kind) !== null);
  const { picture: p, volume: v } = KEYS;
  useShortcuts([
    { keys: v.layout, run: (key) => setLayout(LAYOUTS[v.layout.indexOf(key as "1")] ?? layout) },
    { keys: v.plane, run: () => setPlane(((plane + 1) % 3) as Axis) },
    { keys: v.window, run: () => choosePreset(after(PRESETS, preset)) },
    { keys: v.map, run: () => setMap(after(maps, map)) },
    { keys: p.overlay, run: () => setOutlined(!outlined) },
    { keys: p.lessOverlay, run: () => setOpacity(stepped(opacity, -OPACITY_STEP)) },
    { keys: p.moreOverlay, run: () => setOpacity(stepped(opacity, OPACITY_STEP)) },
    { keys: p.nextSlice, run: () => moveBy(plane, 1) },
    { keys: p.previousSlice, run: () => moveBy(plane, -1) },
    { keys: v.crosshair, run: (key) => moveBy(...(ARROWS[key]?.(plane) ?? [plane, 0])) },
    { keys: p.zoomIn, run: () => engine?.zoom(ZOOM_STEP) },
    { keys: p.zoomOut, run: () => engine?.zoom(1 / ZOOM_STEP) },
    { keys: p.reset, run: () => engine?.zoom(0) },
  ]);
  return {
    slow,
    layout,
    setLayout,
    plane,
    setPlane,
    preset,
    choosePreset,
    window,
    setWindow,
    outlined,
    setOutlined,
    opacity,
    setOpacity,
    maps,
    map,
    setMap,
    mapOpacity,
    setMapOpacity,
    mapLoading: map !== "none" && file.isPending,
    moveBy,
  };
}

export type View = ReturnType<typeof useView>;

function after<One>(all: readonly One[], one: One): One {
  return all[(all.indexOf(one) + 1) % all.length] ?? one;
}

function stepped(value: number, step: number): number {
  return Math.round(Math.min(1, Math.max(0, value + step)) * 100) / 100;
}
