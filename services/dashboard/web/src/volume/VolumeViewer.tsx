/** The volume of a result with its outlines and maps: to look at, to measure, and to correct. Loaded when it is needed. */
import { useEffect, useRef, type ReactElement } from "react";

import { API, artifactPath } from "../api/address";
import { useVolume } from "../api/pictures";
import type { Me, Result } from "../api/types";
import { Button, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { ToolBar } from "../study/Tools";
import { allDropped } from "../study/unsaved";
import { t } from "../text/messages";
import type { Spot } from "./engine";
import { distanceMm, middleOf, placeOf, type Triple } from "./grid";
import { BrushTools, Legend, MaskNotices } from "./MaskTools";
import { Stage, type Hand } from "./Stage";
import { useBrush } from "./useBrush";
import { useEngine } from "./useEngine";
import { useMeasure, type Measure } from "./useMeasure";
import { nameOf, useOutline, type Outline, type Shown } from "./useOutline";
import { useView } from "./useView";
import { LayoutTool, MapTool, OutlineTool, SliceTool, WindowTool } from "./ViewTools";
import "./volume.css";

type Props = { result: Result; me: Me; choice: ReactElement; otherwise: ReactElement };

export default function VolumeViewer({ result, me, choice, otherwise }: Props): ReactElement {
  const volume = useVolume(result.id, nameOf(result, "volume"));
  const { host, engine, spot, failed } = useEngine(volume.data);
  const outline = useOutline(engine, result, me);
  const view = useView(engine, spot, result);
  const measure = useMeasure(engine, spot, view.plane);
  const brush = useBrush(outline, spot, view.plane, me.role !== "technician");
  useMiddle(engine, outline.shown);
  useWarning(outline.dirty);
  if (failed || volume.isError) {
    return (
      <div className="volume-instead">
        <Notice tone="urgent" title={t.volume.failed}>
          <p>{volume.error?.message ?? t.volume.failedWhat}</p>
        </Notice>
        {otherwise}
      </div>
    );
  }
  const look: Hand = {
    begin: (at) => engine?.moveTo(at),
    move: (_, to) => engine?.moveTo(to),
    end: () => undefined,
  };
  return (
    <section className="viewer volume-viewer" aria-label={t.volume.viewer} data-drawn={outline.shown !== null}>
      <ToolBar>
        {choice}
        <LayoutTool view={view} />
        <WindowTool view={view} />
        <OutlineTool view={view} />
        <MapTool view={view} />
        <MeasureTool measure={measure} />
        {engine !== null && spot !== null ? <SliceTool view={view} spot={spot} size={engine.grid.size} /> : null}
      </ToolBar>
      <Stage
        host={host}
        engine={engine}
        hand={brush.ready ? brush.hand : look}
        onPlane={view.setPlane}
        step={view.moveBy}
        drawing={brush.ready}
        before={outline.shown === null ? <Preview result={result} /> : null}
      />
      <footer className="volume-foot">
        {brush.tool === "look" && me.role === "technician" ? null : <BrushTools brush={brush} outline={outline} />}
        <div className="volume-facts">
          <div>
            {engine === null ? <p className="small">{t.volume.opening}</p> : null}
            {spot === null ? null : <SpotLine spot={spot} shown={outline.shown} />}
            <Lengths measure={measure} spacing={engine?.grid.spacing ?? null} />
            <Whose outline={outline} />
          </div>
          {outline.shown === null ? null : <Legend shown={outline.shown} />}
        </div>
        <MaskNotices outline={outline} />
      </footer>
    </section>
  );
}

/** The model's outlines as a picture, which is there at once, until the volume is. */
function Preview({ result }: { result: Result }): ReactElement {
  const name = nameOf(result, "preview");
  if (name === null) return <></>;
  return <img className="volume-before" src={`${API}${artifactPath(result.id, name)}`} alt={t.images.alt.preview} />;
}

/** The first look is at what was outlined, on one side: between two there is nothing to see. */
function useMiddle(engine: { moveTo: (voxel: Triple) => void } | null, shown: Shown | null): void {
  const been = useRef<unknown>(null);
  useEffect(() => {
    if (engine === null || shown === null || been.current === engine) return;
    been.current = engine;
    const [first] = shown.structures;
    const side = shown.structures.filter((one) => one.laterality === first?.laterality).map((one) => one.number);
    engine.moveTo(middleOf(shown.drawing.size, shown.base, new Set(side)));
  }, [engine, shown]);
}

/** The browser asks before it closes a page with strokes that are not saved; within the dashboard they are kept. */
function useWarning(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return;
    const ask = (event: BeforeUnloadEvent): void => {
      if (!allDropped()) event.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [dirty]);
}

function SpotLine({ spot, shown }: { spot: Spot; shown: Shown | null }): ReactElement {
  const { axes } = t.volume;
  const ends = [
    [axes.R, axes.L],
    [axes.A, axes.P],
    [axes.S, axes.I],
  ] as const;
  const mm = spot.mm.map((value, axis) => `${ends[axis]?.[value < 0 ? 1 : 0]} ${Math.abs(value).toFixed(1)}`).join(" ");
  const label = shown?.drawing.labels[placeOf(shown.drawing.size, spot.voxel)] ?? 0;
  const structure = shown?.structures.find((one) => one.number === label)?.name ?? null;
  return (
    <output className="small" title={t.volume.spotWhat}>
      {t.volume.spot(`${mm} mm`, String(Math.round(spot.value * 100) / 100), structure)}
    </output>
  );
}

function MeasureTool({ measure }: { measure: Measure }): ReactElement {
  return (
    <div className="tool">
      <Button small aria-pressed={measure.begun !== null} onClick={measure.mark}>
        {t.volume.measure} <Key>{KEYS.volume.measure[0]}</Key>
      </Button>
      {measure.begun === null ? null : <span className="small">{t.volume.measureBegun}</span>}
    </div>
  );
}

function Lengths({ measure, spacing }: { measure: Measure; spacing: Triple | null }): ReactElement {
  if (measure.lines.length === 0 || spacing === null) return <></>;
  return (
    <div className="volume-lengths">
      <ol className="small" aria-label={t.volume.measured}>
        {measure.lines.map((line, place) => (
          <li key={place}>
            {t.volume.length(
              place + 1,
              distanceMm(spacing, line.from, line.to).toFixed(1),
              t.volume.planes[line.axis],
            )}
          </li>
        ))}
      </ol>
      <Button small onClick={measure.clear}>
        {t.volume.clearMeasures} <Key>{KEYS.volume.clearMeasures[0]}</Key>
      </Button>
    </div>
  );
}

/** The model's outline, and those that readers saved. */
function Whose({ outline }: { outline: Outline }): ReactElement {
  if (outline.masks.length === 0) return <></>;
  return (
    <label className="slider" title={outline.dirty ? t.volume.undoneByChoice : undefined}>
      {t.volume.whose}
      <select
        className="input"
        disabled={outline.dirty}
        value={outline.maskId ?? ""}
        onChange={(event) => outline.choose(event.target.value === "" ? null : event.target.value)}
      >
        <option value="">{t.volume.theModel}</option>
        {outline.masks.map((mask) => (
          <option key={mask.id} value={mask.id}>
            {t.volume.reader(mask.number, mask.user.name)}
          </option>
        ))}
      </select>
    </label>
  );
}
