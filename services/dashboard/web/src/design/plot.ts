/** Draws lines over days with uPlot, in the theme's colours; Chart.tsx is the part that pages use. */
import uPlot from "uplot";

import { day } from "../text/format";
import { drawMarker, lookOf, MARKER } from "./lines";
import { scaled } from "./scale";

/** One line: a value a day, null where there is none; the interval of each value where it has one. */
export type Line = {
  name: string;
  values: readonly (number | null)[];
  low?: readonly (number | null)[];
  high?: readonly (number | null)[];
};

export type Plotted = {
  days: readonly string[];
  lines: readonly Line[];
  format: (value: number) => string;
  /** The least the axis shows; it grows with what lies outside. */
  range: readonly [number, number];
  limit?: { name: string; value: number };
};

const AXIS_HEIGHT = 42;
const AXIS_WIDTH = 58;
const LEAST_DAY_WIDTH = 96;
const LINE_WIDTH = 2;
const DAY_SECONDS = 86_400;

/** Seconds since 1970 of a calendar day's start; a day has no zone, so the axis counts in UTC. */
const secondsOf = (iso: string): number => Date.parse(`${iso}T00:00:00Z`) / 1000;
const isoOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

/** The span of the values with their intervals, and at least what was asked for. */
export function spanOf({ lines, range, limit }: Pick<Plotted, "lines" | "range" | "limit">): [number, number] {
  const all = lines.flatMap((line) => [...line.values, ...(line.low ?? []), ...(line.high ?? [])]);
  const known = all.filter((value): value is number => value !== null);
  const wanted = [...range, ...known, ...(limit ? [limit.value] : [])];
  const [low, high] = [Math.min(...wanted), Math.max(...wanted)];
  return low === high ? [low - 1, high + 1] : [low, high];
}

/** Put the chart into `target`; the caller ends it with `destroy()`. `pointed` learns the place under the pointer. */
export function draw(
  target: HTMLElement,
  plotted: Plotted,
  size: { width: number; height: number },
  pointed: (place: number | null) => void,
): uPlot {
  const style = getComputedStyle(target);
  const ink = (token: string): string => style.getPropertyValue(token).trim();
  const font = `${style.fontSize} ${style.fontFamily}`;
  const axis = { stroke: ink("--muted"), font, grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false } };
  const options: uPlot.Options = {
    ...size,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    padding: [8, scaled(LEAST_DAY_WIDTH) / 2, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
    scales: { x: { time: true, range: padded }, y: { range: spanOf(plotted) } },
    axes: [
      {
        ...axis,
        size: scaled(AXIS_HEIGHT),
        space: scaled(LEAST_DAY_WIDTH),
        splits: () => ticks(plotted.days, size.width / scaled(1)),
        values: (_, splits) => splits.map((seconds) => day(isoOf(seconds))),
      },
      { ...axis, size: scaled(AXIS_WIDTH), values: (_, splits) => splits.map(plotted.format) },
    ],
    series: [
      {},
      ...plotted.lines.map((line, place) => ({
        label: line.name,
        stroke: ink(lookOf(place).ink),
        width: LINE_WIDTH,
        dash: [...lookOf(place).dash],
        points: { show: false },
      })),
    ],
    hooks: {
      drawAxes: [(plot) => drawLimit(plot, plotted.limit, ink("--stat"))],
      drawSeries: [(plot, at) => drawPoints(plot, plotted.lines[at - 1], at, ink(lookOf(at - 1).ink))],
      setCursor: [(plot) => pointed(plot.cursor.idx ?? null)],
    },
  };
  const data: uPlot.AlignedData = [plotted.days.map(secondsOf), ...plotted.lines.map((line) => [...line.values])];
  return new uPlot(options, data, target);
}

/** Days that have room for their names, always with the newest. */
function ticks(days: readonly string[], width: number): number[] {
  const room = Math.max(1, Math.floor((width - AXIS_WIDTH) / LEAST_DAY_WIDTH));
  const step = Math.ceil(days.length / room);
  return days.filter((_, place) => (days.length - 1 - place) % step === 0).map(secondsOf);
}

/** Half a week of room at both ends, so that markers at the edge are whole. */
function padded(_: uPlot, low: number, high: number): uPlot.Range.MinMax {
  return [low - 3.5 * DAY_SECONDS, high + 3.5 * DAY_SECONDS];
}

function drawPoints(plot: uPlot, line: Line | undefined, at: number, colour: string): void {
  if (line === undefined) return;
  const { ctx } = plot;
  const marks = new Path2D();
  const whiskers = new Path2D();
  const size = MARKER * uPlot.pxRatio;
  line.values.forEach((value, place) => {
    const x = plot.valToPos((plot.data[0] as number[])[place] ?? 0, "x", true);
    const [low, high] = [line.low?.[place] ?? null, line.high?.[place] ?? null];
    if (value !== null) drawMarker(marks, lookOf(at - 1).marker, x, plot.valToPos(value, "y", true), size);
    if (low !== null && high !== null) {
      whiskers.moveTo(x, plot.valToPos(low, "y", true));
      whiskers.lineTo(x, plot.valToPos(high, "y", true));
    }
  });
  ctx.save();
  ctx.fillStyle = colour;
  ctx.strokeStyle = colour;
  ctx.lineWidth = uPlot.pxRatio;
  ctx.setLineDash([]);
  ctx.stroke(whiskers);
  ctx.fill(marks);
  ctx.restore();
}

function drawLimit(plot: uPlot, limit: Plotted["limit"], colour: string): void {
  if (limit === undefined) return;
  const { ctx, bbox } = plot;
  const y = plot.valToPos(limit.value, "y", true);
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = uPlot.pxRatio;
  ctx.setLineDash([6 * uPlot.pxRatio, 6 * uPlot.pxRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}
