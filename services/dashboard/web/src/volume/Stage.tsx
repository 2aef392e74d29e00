/** The stage of a volume: what pointer, wheel and arrow keys do on it. */
import { useEffect, useRef, type PointerEvent, type ReactElement, type RefObject } from "react";

import { t } from "../text/messages";
import type { Axis } from "./drawing";
import type { Engine } from "./engine";
import type { Triple } from "./grid";

/** What a drag over a slice does: it begins, goes on, and ends. */
export type Hand = {
  begin: (at: Triple, axis: Axis) => void;
  move: (from: Triple, to: Triple, axis: Axis) => void;
  end: () => void;
};
type Props = {
  host: RefObject<HTMLDivElement | null>;
  engine: Engine | null;
  hand: Hand;
  /** The pointer is on this plane: keys act on it from now on. */
  onPlane: (axis: Axis) => void;
  step: (axis: Axis, slices: number) => void;
  drawing: boolean;
  /** What is seen until the volume is drawn. */
  before: ReactElement | null;
};

export function Stage({ host, engine, hand, onPlane, step, drawing, before }: Props): ReactElement {
  const grip = useRef<{ axis: Axis; at: Triple } | "solid" | null>(null);
  useWheel(host, engine, step);

  const down = (event: PointerEvent<HTMLDivElement>): void => {
    if (event.button !== 0) return;
    const under = engine?.under(...within(event)) ?? null;
    event.currentTarget.setPointerCapture(event.pointerId);
    grip.current = under === null || under === "solid" ? under : { axis: under.axis, at: under.voxel };
    if (under === null || under === "solid") return;
    onPlane(under.axis);
    hand.begin(under.voxel, under.axis);
  };
  const move = (event: PointerEvent<HTMLDivElement>): void => {
    const held = grip.current;
    if (held === null || engine === null) return;
    if (held === "solid") {
      engine.turn(event.movementX, event.movementY);
      return;
    }
    const under = engine.under(...within(event));
    if (under === null || under === "solid" || under.axis !== held.axis) return;
    grip.current = { axis: held.axis, at: under.voxel };
    hand.move(held.at, under.voxel, held.axis);
  };
  const up = (): void => {
    const held = grip.current;
    grip.current = null;
    if (held !== null && held !== "solid") hand.end();
  };
  return (
    <div
      ref={host}
      className={drawing ? "volume-stage volume-stage-drawing" : "volume-stage"}
      role="img"
      aria-label={t.volume.canvas}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
    >
      {before}
    </div>
  );
}

function within(event: PointerEvent<HTMLDivElement>): [number, number] {
  const box = event.currentTarget.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

type Step = (axis: Axis, slices: number) => void;

/** React listens to the wheel passively, and then the page would scroll as well: hence a listener of our own. */
function useWheel(host: RefObject<HTMLDivElement | null>, engine: Engine | null, step: Step): void {
  const current = useRef(step);
  useEffect(() => {
    current.current = step;
  });
  useEffect(() => {
    const place = host.current;
    if (place === null || engine === null) return;
    const turned = (event: WheelEvent): void => {
      event.preventDefault();
      const box = place.getBoundingClientRect();
      const under = engine.under(event.clientX - box.left, event.clientY - box.top);
      if (event.ctrlKey) engine.zoom(event.deltaY < 0 ? WHEEL_ZOOM : 1 / WHEEL_ZOOM);
      else if (under !== null && under !== "solid") current.current(under.axis, event.deltaY < 0 ? 1 : -1);
    };
    place.addEventListener("wheel", turned, { passive: false });
    return () => place.removeEventListener("wheel", turned);
  }, [host, engine]);
}

const WHEEL_ZOOM = 1.1;
