/** The tools over the pictures; every tool has a key and a control. */
import type { ReactElement, ReactNode } from "react";

import { Button, Key } from "../design/parts";
import { percent } from "../text/format";
import { t } from "../text/messages";
import { LARGEST_FROM, TONE_RANGE } from "./picture";
import type { Look } from "./useLook";
import { ZOOM_STEP, zoomed } from "./view";

export function ToolBar({ children }: { children: ReactNode }): ReactElement {
  return (
    <div className="tools" role="toolbar" aria-label={t.study.tools}>
      {children}
    </div>
  );
}

export function HeatMapTool({ at, hasHeatMap }: { at: Look; hasHeatMap: boolean }): ReactElement {
  const { picture, setPicture } = at;
  return (
    <div className="tool">
      <Button
        small
        aria-pressed={picture.overlay && hasHeatMap}
        disabled={!hasHeatMap}
        onClick={() => setPicture({ ...picture, overlay: !picture.overlay })}
      >
        {t.study.overlay} <Key>h</Key>
      </Button>
      <Slider
        label={t.study.opacity}
        value={picture.opacity}
        low={0}
        high={1}
        step={TONE_SLIDER_STEP}
        text={percent(picture.opacity)}
        disabled={!hasHeatMap || !picture.overlay}
        change={(opacity) => setPicture({ ...picture, opacity })}
      />
      <Slider
        label={t.eyeTools.from}
        value={picture.from}
        low={0}
        high={LARGEST_FROM}
        step={TONE_SLIDER_STEP}
        text={t.eyeTools.fromWhat(percent(picture.from))}
        disabled={!hasHeatMap || !picture.overlay}
        change={(from) => setPicture({ ...picture, from })}
      />
    </div>
  );
}

/** Switches what lies over the picture on and off. */
export function OverlayTool({ label, at }: { label: string; at: Look }): ReactElement {
  const { picture, setPicture } = at;
  return (
    <Button small aria-pressed={picture.overlay} onClick={() => setPicture({ ...picture, overlay: !picture.overlay })}>
      {label} <Key>h</Key>
    </Button>
  );
}

export function RedFreeTool({ at }: { at: Look }): ReactElement {
  const { picture, setPicture } = at;
  return (
    <Button small aria-pressed={picture.redFree} onClick={() => setPicture({ ...picture, redFree: !picture.redFree })}>
      {t.study.redFree} <Key>r</Key>
    </Button>
  );
}

export function ToneTools({ at }: { at: Look }): ReactElement {
  const { picture, setPicture } = at;
  return (
    <>
      {(["contrast", "brightness"] as const).map((name) => (
        <div key={name} className="tool">
          <Slider
            label={t.study[name]}
            value={picture[name]}
            low={TONE_RANGE.low}
            high={TONE_RANGE.high}
            step={TONE_SLIDER_STEP}
            text={percent(picture[name])}
            change={(value) => setPicture({ ...picture, [name]: value })}
          />
        </div>
      ))}
    </>
  );
}

export function ZoomTools({ at }: { at: Look }): ReactElement {
  const { view, look, reset } = at;
  return (
    <div className="tool">
      <Button small aria-label={t.study.zoomOut} onClick={() => look(zoomed(view, 1 / ZOOM_STEP))}>
        −
      </Button>
      <output className="zoom" aria-label={t.study.zoom}>
        {t.study.times(view.zoom)}
      </output>
      <Button small aria-label={t.study.zoomIn} onClick={() => look(zoomed(view, ZOOM_STEP))}>
        +
      </Button>
      <Button small onClick={reset}>
        {t.study.reset} <Key>0</Key>
      </Button>
    </div>
  );
}

type SliderProps = {
  label: string;
  value: number;
  low: number;
  high: number;
  step: number;
  text: string;
  disabled?: boolean;
  labelHidden?: boolean;
  wide?: boolean;
  change: (value: number) => void;
};

const TONE_SLIDER_STEP = 0.05;

export function Slider({
  label,
  labelHidden = false,
  value,
  low,
  high,
  step,
  text,
  disabled = false,
  wide = false,
  change,
}: SliderProps): ReactElement {
  return (
    <label className={wide ? "slider slider-wide" : "slider"}>
      <span className={labelHidden ? "hidden-visually" : undefined}>{label}</span>
      <input
        type="range"
        min={low}
        max={high}
        step={step}
        value={value}
        disabled={disabled}
        aria-valuetext={text}
        onChange={(event) => change(Number(event.target.value))}
      />
    </label>
  );
}
