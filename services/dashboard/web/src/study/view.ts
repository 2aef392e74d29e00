/** Where a reader looks: the magnification and the point of the picture at the panel's centre, as shares of its size. */
export type View = { zoom: number; x: number; y: number };

export const WHOLE: View = { zoom: 1, x: 0.5, y: 0.5 };
export const LARGEST_ZOOM = 16;
export const ZOOM_STEP = 1.25;
/** One press of an arrow key moves by this share of the panel. */
export const PAN_STEP = 0.1;

function between(low: number, value: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** Magnify by `factor`, keeping the picture's point under the pointer where it is.
 *
 * `fromCentreX` and `fromCentreY` are the pointer's distance from the panel's centre in fitted picture sizes. */
export function zoomed(view: View, factor: number, fromCentreX = 0, fromCentreY = 0): View {
  const zoom = between(1, view.zoom * factor, LARGEST_ZOOM);
  if (zoom === 1) return WHOLE;
  const gain = 1 / view.zoom - 1 / zoom;
  return { zoom, x: between(0, view.x + fromCentreX * gain, 1), y: between(0, view.y + fromCentreY * gain, 1) };
}

/** Drag the picture by a distance given in fitted picture sizes; the whole picture does not move. */
export function panned(view: View, dx: number, dy: number): View {
  if (view.zoom === 1) return view;
  return { ...view, x: between(0, view.x - dx / view.zoom, 1), y: between(0, view.y - dy / view.zoom, 1) };
}

/** The CSS transform of a layer of fitted size that lies centred in the panel. */
export function transformOf(view: View): string {
  const shift = (centre: number): string => `${((0.5 - centre) * view.zoom * 100).toFixed(4)}%`;
  return `translate(${shift(view.x)}, ${shift(view.y)}) scale(${view.zoom.toFixed(4)})`;
}

const WIDTHS = [1024, 2048, 4096] as const;

/** The smallest rendering that still has a pixel for each of the screen's; widths are few so that they cache well. */
export function widthFor(fittedWidth: number, zoom: number, pixelRatio: number): number {
  const needed = fittedWidth * zoom * pixelRatio;
  return WIDTHS.find((width) => width >= needed) ?? WIDTHS[WIDTHS.length - 1] ?? needed;
}
