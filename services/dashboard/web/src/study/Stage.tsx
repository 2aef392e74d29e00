/** One photograph on its stage: the picture, the heat-map exactly over it, zoom by wheel and pan by dragging. */
import { useEffect, useRef, useState, type PointerEvent, type ReactElement } from "react";

import { renderedUrl } from "../api/client";
import { Badge } from "../design/parts";
import { t } from "../text/messages";
import { HeatMap } from "./HeatMap";
import type { Photograph } from "./photographs";
import { filterOf, type Picture } from "./picture";
import { panned, transformOf, widthFor, zoomed, ZOOM_STEP, type View } from "./view";

type Props = {
  photograph: Photograph;
  resultId: string | null;
  heatMap: string | null;
  picture: Picture;
  view: View;
  look: (change: (view: View) => View) => void;
};

export function Stage({ photograph, resultId, heatMap, picture, view, look }: Props): ReactElement {
  const stage = useRef<HTMLDivElement>(null);
  const layer = useRef<HTMLDivElement>(null);
  const [fitted, setFitted] = useState(0);
  const [there, setThere] = useState(false);
  useWheel(stage, layer, look);
  useEffect(() => {
    if (layer.current === null) return;
    const observer = new ResizeObserver(([entry]) => setFitted(entry?.contentRect.width ?? 0));
    observer.observe(layer.current);
    return () => observer.disconnect();
  }, []);

  const drag = (event: PointerEvent): void => {
    if (event.buttons !== 1 || layer.current === null) return;
    const { offsetWidth, offsetHeight } = layer.current;
    look((current) => panned(current, event.movementX / offsetWidth, event.movementY / offsetHeight));
  };
  const ratio = photograph.columns / photograph.rows;
  const width = widthFor(fitted, view.zoom, window.devicePixelRatio);
  return (
    <div
      ref={stage}
      className="stage"
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onDoubleClick={() => look((current) => zoomed(current, ZOOM_STEP ** 3))}
    >
      <div
        ref={layer}
        className="layer"
        style={{ transform: transformOf(view), "--ratio": ratio } as React.CSSProperties}
      >
        {fitted > 0 ? (
          <Photo
            instanceId={photograph.instanceId}
            side={photograph.side}
            width={width}
            picture={picture}
            arrived={() => setThere(true)}
          />
        ) : null}
        {there && heatMap !== null && resultId !== null && picture.overlay ? (
          <HeatMap resultId={resultId} name={heatMap} opacity={picture.opacity} />
        ) : null}
      </div>
    </div>
  );
}

type PhotoProps = { instanceId: string; side: Photograph["side"]; width: number; picture: Picture; arrived: () => void };

/** The photograph; a sharper rendering takes the coarser one's place only once it is there. */
function Photo({ instanceId, side, width, picture, arrived }: PhotoProps): ReactElement {
  const wanted = renderedUrl(instanceId, width);
  const [shown, setShown] = useState(wanted);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (wanted === shown) return;
    const sharper = new Image();
    sharper.onload = () => setShown(wanted);
    sharper.src = wanted;
    return () => {
      sharper.onload = null;
    };
  }, [wanted, shown]);

  if (failed) {
    return (
      <p className="stage-note">
        <Badge icon="failed" tone="stat">
          {t.study.noPicture}
        </Badge>
      </p>
    );
  }
  return (
    <img
      className="photo"
      src={shown}
      alt={t.study.photograph(t.eyes[side])}
      draggable={false}
      style={{ filter: filterOf(picture) }}
      onLoad={arrived}
      onError={() => setFailed(true)}
    />
  );
}

type Element = React.RefObject<HTMLDivElement | null>;

/** React listens to the wheel passively, and then the page would scroll as well: hence a listener of our own. */
function useWheel(stage: Element, layer: Element, look: Props["look"]): void {
  const current = useRef(look);
  useEffect(() => {
    current.current = look;
  });
  useEffect(() => {
    const place = stage.current;
    if (place === null) return;
    const turned = (event: WheelEvent): void => {
      event.preventDefault();
      const box = place.getBoundingClientRect();
      const fitted = layer.current;
      if (fitted === null) return;
      const fromX = (event.clientX - box.left - box.width / 2) / fitted.offsetWidth;
      const fromY = (event.clientY - box.top - box.height / 2) / fitted.offsetHeight;
      const factor = event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP;
      current.current((view) => zoomed(view, factor, fromX, fromY));
    };
    place.addEventListener("wheel", turned, { passive: false });
    return () => place.removeEventListener("wheel", turned);
  }, [stage, layer]);
}
