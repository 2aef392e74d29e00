/** A stage for one picture and what lies on it: zoom by wheel, pan by dragging, double click to come closer. */
import { useEffect, useRef, useState, type PointerEvent, type ReactElement } from "react";

import { panned, transformOf, widthFor, zoomed, ZOOM_STEP, type View } from "./view";

type Look = (change: (view: View) => View) => void;
type Props = {
  /** Width over height of the picture. */
  ratio: number;
  view: View;
  look: Look;
  /** What lies on the stage, given the width in pixels of the rendering that is sharp enough. */
  children: (width: number) => ReactElement;
};

export function Stage({ ratio, view, look, children }: Props): ReactElement {
  const stage = useRef<HTMLDivElement>(null);
  const layer = useRef<HTMLDivElement>(null);
  const [fitted, setFitted] = useState(0);
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
        {fitted > 0 ? children(widthFor(fitted, view.zoom, window.devicePixelRatio)) : null}
      </div>
    </div>
  );
}

type Element = React.RefObject<HTMLDivElement | null>;

/** React listens to the wheel passively, and then the page would scroll as well: hence a listener of our own. */
function useWheel(stage: Element, layer: Element, look: Look): void {
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
