/** Two planes of one slice on one stage, the right one wiped over the left, with what is marked outlined. */
import { useEffect, useMemo, useRef, type PointerEvent, type ReactElement } from "react";

import { GREY, HEAT } from "../picture/colours";
import type { Plane } from "../picture/nifti";
import { outline, pixels } from "../picture/planes";
import { t } from "../text/messages";
import type { PlaneName } from "./comparison";
import { filterOf, type Picture } from "./picture";

/** Share of the brightest tissue at which the maps' colours end (pipelines/imaging/panel.py). */
export const MAP_TOP = 0.2;

export type Shown = { name: PlaneName; plane: Plane };
type Props = {
  left: Shown;
  right: Shown;
  /** What is marked in this slice; null where nothing is to be outlined. */
  flags: Plane | null;
  /** The value that is shown white. */
  white: number;
  wipe: number;
  setWipe: (share: number) => void;
  zoom: number;
  picture: Picture;
};

export function Compared({ left, right, flags, white, wipe, setWipe, zoom, picture }: Props): ReactElement {
  const { width, height } = left.plane;
  const share = `${(wipe * 100).toFixed(2)}%`;
  return (
    <>
      <PlaneCanvas shown={left} white={white} picture={picture} clip="none" />
      <PlaneCanvas shown={right} white={white} picture={picture} clip={`inset(0 0 0 ${share})`} />
      {flags === null ? null : (
        <svg className="flags" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          <Outline flags={flags} />
        </svg>
      )}
      <Handle share={share} zoom={zoom} setWipe={setWipe} />
    </>
  );
}

function Outline({ flags }: { flags: Plane }): ReactElement {
  const path = useMemo(() => outline(flags), [flags]);
  return <path d={path} vectorEffect="non-scaling-stroke" />;
}

type CanvasProps = { shown: Shown; white: number; picture: Picture; clip: string };

function PlaneCanvas({ shown: { name, plane }, white, picture, clip }: CanvasProps): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  const isMap = name === "uncertainty" || name === "residual";
  useEffect(() => {
    const drawn = pixels(plane, isMap ? white * MAP_TOP : white, isMap ? HEAT : GREY);
    canvas.current?.getContext("2d")?.putImageData(new ImageData(drawn, plane.width, plane.height), 0, 0);
  }, [plane, isMap, white]);
  return (
    <canvas
      ref={canvas}
      className="plane"
      width={plane.width}
      height={plane.height}
      role="img"
      aria-label={t.compared.planes[name]}
      style={{ clipPath: clip, filter: isMap ? "none" : filterOf(picture) }}
    />
  );
}

/** The maps' colours from none to MAP_TOP. */
export function HeatBar(): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const levels = { width: 256, height: 1, values: Uint8Array.from({ length: 256 }, (_, level) => level) };
    canvas.current?.getContext("2d")?.putImageData(new ImageData(pixels(levels, 255, HEAT), 256, 1), 0, 0);
  }, []);
  return <canvas ref={canvas} className="legend-bar" width={256} height={1} aria-hidden="true" />;
}

type HandleProps = { share: string; zoom: number; setWipe: (share: number) => void };

/** For the pointer; the slider over the picture and two keys do the same. */
function Handle({ share, zoom, setWipe }: HandleProps): ReactElement {
  const drag = (event: PointerEvent<HTMLElement>): void => {
    event.stopPropagation();
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (event.buttons !== 1 || box === undefined) return;
    setWipe(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  };
  return (
    <span
      className="wipe"
      aria-hidden="true"
      style={{ left: share, "--zoom": zoom } as React.CSSProperties}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag(event);
      }}
      onPointerMove={drag}
    />
  );
}
