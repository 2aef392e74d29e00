/** The tool bar over the photographs; every tool has a key and a control. */
import type { ReactElement } from "react";

import { Button, Key } from "../design/parts";
import { percent } from "../text/format";
import { t } from "../text/messages";
import { TONE_RANGE, type Picture } from "./picture";
import { ZOOM_STEP, zoomed, type View } from "./view";

type Props = {
  picture: Picture;
  change: (picture: Picture) => void;
  reset: () => void;
  view: View;
  look: (view: View) => void;
  hasHeatMap: boolean;
};

export function Tools({ picture, change, reset, view, look, hasHeatMap }: Props): ReactElement {
  return (
    <div className="tools" role="toolbar" aria-label={t.study.tools}>
      <div className="tool">
        <Button
          small
          aria-pressed={picture.overlay && hasHeatMap}
          disabled={!hasHeatMap}
          onClick={() => change({ ...picture, overlay: !picture.overlay })}
        >
          {t.study.overlay} <Key>h</Key>
        </Button>
        <Slider
          label={t.study.opacity}
          labelHidden
          value={picture.opacity}
          low={0}
          high={1}
          text={percent(picture.opacity)}
          disabled={!hasHeatMap || !picture.overlay}
          change={(opacity) => change({ ...picture, opacity })}
        />
      </div>
      <Button small aria-pressed={picture.redFree} onClick={() => change({ ...picture, redFree: !picture.redFree })}>
        {t.study.redFree} <Key>r</Key>
      </Button>
      {(["contrast", "brightness"] as const).map((name) => (
        <div key={name} className="tool">
          <Slider
            label={t.study[name]}
            value={picture[name]}
            low={TONE_RANGE.low}
            high={TONE_RANGE.high}
            text={percent(picture[name])}
            change={(value) => change({ ...picture, [name]: value })}
          />
        </div>
      ))}
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
    </div>
  );
}

type SliderProps = {
  label: string;
  value: number;
  low: number;
  high: number;
  text: string;
  disabled?: boolean;
  labelHidden?: boolean;
  change: (value: number) => void;
};

const SLIDER_STEP = 0.05;

function Slider({ label, labelHidden = false, value, low, high, text, disabled = false, change }: SliderProps): ReactElement {
  return (
    <label className="slider">
      <span className={labelHidden ? "hidden-visually" : undefined}>{label}</span>
      <input
        type="range"
        min={low}
        max={high}
        step={SLIDER_STEP}
        value={value}
        disabled={disabled}
        aria-valuetext={text}
        onChange={(event) => change(Number(event.target.value))}
      />
    </label>
  );
}
