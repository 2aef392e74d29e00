/** The tools over a volume: planes, window, outlines and map; each has a key and a control. */
import type { ReactElement } from "react";

import { Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { Slider } from "../study/Tools";
import { percent } from "../text/format";
import { t } from "../text/messages";
import type { Axis } from "./drawing";
import { LAYOUTS, type Layout, type Spot } from "./engine";
import type { Triple } from "./grid";
import { OPACITY_STEP, type View } from "./useView";
import { PRESETS } from "./windows";

const SOLID: ReadonlySet<Layout> = new Set(["planes3d", "solid"]);

export function LayoutTool({ view }: { view: View }): ReactElement {
  return (
    <label className="slider">
      {t.volume.layout} <Key>{KEYS.volume.layout[0]}</Key>–<Key>{KEYS.volume.layout.at(-1) ?? ""}</Key>
      <select
        className="input"
        value={view.layout}
        onChange={(event) => view.setLayout(LAYOUTS.find((one) => one === event.target.value) ?? view.layout)}
      >
        {LAYOUTS.map((layout) => (
          <option key={layout} value={layout}>
            {t.volume.layouts[layout]}
            {view.slow && SOLID.has(layout) ? t.volume.slow : ""}
          </option>
        ))}
      </select>
    </label>
  );
}

export function WindowTool({ view }: { view: View }): ReactElement {
  return (
    <>
      <label className="slider">
        {t.volume.window} <Key>{KEYS.volume.window[0]}</Key>
        <select
          className="input"
          value={view.preset}
          onChange={(event) => view.choosePreset(PRESETS.find((one) => one === event.target.value) ?? "auto")}
        >
          {PRESETS.map((preset) => (
            <option key={preset} value={preset}>
              {t.volume.windows[preset]}
            </option>
          ))}
        </select>
      </label>
      {view.preset === "manual" && view.window !== null
        ? (["low", "high"] as const).map((end) => (
            <label key={end} className="slider">
              {t.volume[end]}
              <input
                className="input volume-number"
                type="number"
                value={view.window?.[end] ?? 0}
                onChange={(event) => {
                  const value = event.target.valueAsNumber;
                  if (view.window !== null && Number.isFinite(value)) view.setWindow({ ...view.window, [end]: value });
                }}
              />
            </label>
          ))
        : null}
    </>
  );
}

export function OutlineTool({ view }: { view: View }): ReactElement {
  return (
    <div className="tool">
      <Button small aria-pressed={view.outlined} onClick={() => view.setOutlined(!view.outlined)}>
        {t.volume.outline} <Key>{KEYS.picture.overlay[0]}</Key>
      </Button>
      <Slider
        label={t.volume.outlineOpacity}
        labelHidden
        value={view.opacity}
        low={0}
        high={1}
        step={OPACITY_STEP}
        text={percent(view.opacity)}
        disabled={!view.outlined}
        change={view.setOpacity}
      />
    </div>
  );
}

export function MapTool({ view }: { view: View }): ReactElement {
  if (view.maps.length < 2) return <></>;
  return (
    <div className="tool">
      <label className="slider">
        {t.volume.map} <Key>{KEYS.volume.map[0]}</Key>
        <select
          className="input"
          value={view.map}
          onChange={(event) => view.setMap(view.maps.find((one) => one === event.target.value) ?? "none")}
        >
          {view.maps.map((map) => (
            <option key={map} value={map}>
              {t.volume.maps[map]}
            </option>
          ))}
        </select>
      </label>
      {view.map === "none" ? null : (
        <Slider
          label={t.volume.mapOpacity}
          labelHidden
          value={view.mapOpacity}
          low={0}
          high={1}
          step={OPACITY_STEP}
          text={percent(view.mapOpacity)}
          change={view.setMapOpacity}
        />
      )}
      {view.mapLoading ? <span className="small">{t.volume.mapLoading}</span> : null}
    </div>
  );
}

const AXES: readonly Axis[] = [2, 1, 0];

export function SliceTool({ view, spot, size }: { view: View; spot: Spot; size: Triple }): ReactElement {
  const { plane } = view;
  return (
    <div className="tool">
      <label className="slider">
        <span className="hidden-visually">{t.volume.plane}</span> <Key>{KEYS.volume.plane[0]}</Key>
        <select
          className="input"
          value={plane}
          onChange={(event) => view.setPlane(AXES.find((axis) => axis === Number(event.target.value)) ?? plane)}
        >
          {AXES.map((axis) => (
            <option key={axis} value={axis}>
              {t.volume.planes[axis]}
            </option>
          ))}
        </select>
      </label>
      <Slider
        label={t.volume.slice(t.volume.planes[plane])}
        labelHidden
        wide
        value={spot.voxel[plane] + 1}
        low={1}
        high={size[plane]}
        step={1}
        text={t.volume.slicePlace(spot.voxel[plane] + 1, size[plane])}
        change={(place) => view.moveBy(plane, place - 1 - spot.voxel[plane])}
      />
      <output className="small">{t.volume.slicePlace(spot.voxel[plane] + 1, size[plane])}</output>
    </div>
  );
}
