/** Lines over days: the drawing for the eye, its figures as a table for everybody else. */
import { useEffect, useId, useRef, useState, useSyncExternalStore, type ReactElement } from "react";
import "uplot/dist/uPlot.min.css";

import { day } from "../text/format";
import { t } from "../text/messages";
import "./chart.css";
import { lookOf, markerPath, MARKER } from "./lines";
import { scaled } from "./scale";
import { draw, type Line, type Plotted } from "./plot";

export type { Line } from "./plot";

type ChartProps = Plotted & {
  title: string;
  /** What the first column of the table is called; weeks where nothing is said. */
  dayName?: string;
  height?: number;
};

const HEIGHT = 220;

/** `days` are calendar days (ISO), oldest first, as long as each line's values. */
export function Chart({ title, dayName = t.charts.day, height = HEIGHT, ...plotted }: ChartProps): ReactElement {
  const heading = useId();
  const [place, point] = useState<number | null>(null);
  if (plotted.days.length === 0) {
    return (
      <figure className="chart" aria-labelledby={heading}>
        <figcaption id={heading}>{title}</figcaption>
        <p className="tone-muted">{t.charts.none}</p>
      </figure>
    );
  }
  return (
    <figure className="chart" aria-labelledby={heading}>
      <figcaption id={heading}>{title}</figcaption>
      <Legend {...plotted} place={place} />
      <Drawing {...plotted} height={height} pointed={point} />
      <details>
        <summary>{t.charts.table}</summary>
        <div className="chart-table">
          <Figures {...plotted} title={title} dayName={dayName} />
        </div>
      </details>
    </figure>
  );
}

/** The theme's name: a canvas takes its colours once, so a change draws it anew. */
function useThemeName(): string {
  return useSyncExternalStore(
    (changed) => {
      const seen = new MutationObserver(changed);
      seen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
      return () => seen.disconnect();
    },
    () => document.documentElement.dataset["theme"] ?? "",
  );
}

type DrawingProps = Plotted & { height: number; pointed: (place: number | null) => void };

function Drawing({ height, pointed, ...plotted }: DrawingProps): ReactElement {
  const target = useRef<HTMLDivElement>(null);
  const theme = useThemeName();
  const figures = JSON.stringify(plotted);
  const latest = useRef({ plotted, pointed });
  useEffect(() => {
    latest.current = { plotted, pointed };
  });
  useEffect(() => {
    const place = target.current;
    if (place === null) return undefined;
    let plot: ReturnType<typeof draw> | undefined;
    const fit = new ResizeObserver(() => {
      plot?.destroy();
      const size = { width: place.clientWidth, height: scaled(height) };
      plot = draw(place, latest.current.plotted, size, (at) => latest.current.pointed(at));
    });
    fit.observe(place);
    return () => {
      fit.disconnect();
      plot?.destroy();
    };
  }, [figures, height, theme]);
  return <div ref={target} className="chart-drawing" aria-hidden="true" />;
}

function Legend({ lines, limit, days, format, place }: Plotted & { place: number | null }): ReactElement {
  const shown = place === null ? undefined : days[place];
  return (
    <ul className="chart-legend">
      {lines.map((line, at) => (
        <li key={line.name}>
          <LineSample at={at} />
          {line.name}
          {place === null ? null : <strong>{cell(line, place, format)}</strong>}
        </li>
      ))}
      {limit === undefined ? null : (
        <li>
          <svg width="28" height="12" viewBox="0 0 28 12" aria-hidden="true" className="tone-stat">
            <path d="M0 6h28" stroke="currentColor" strokeDasharray="5 4" />
          </svg>
          {t.charts.limit(limit.name)} <strong>{format(limit.value)}</strong>
        </li>
      )}
      {shown === undefined ? null : <li className="tone-muted">{day(shown)}</li>}
    </ul>
  );
}

function LineSample({ at }: { at: number }): ReactElement {
  const look = lookOf(at);
  return (
    <svg width="28" height="12" viewBox="0 0 28 12" aria-hidden="true" className={`chart-line chart-line${look.ink}`}>
      <path d="M0 6h28" stroke="currentColor" strokeWidth="2" strokeDasharray={look.dash.join(" ")} />
      <path d={markerPath(look.marker, 14, 6, MARKER)} fill="currentColor" />
    </svg>
  );
}

/** A value with its interval, in the chart's own format. */
function cell(line: Line, place: number, format: (value: number) => string): string {
  const [value, low, high] = [line.values[place], line.low?.[place], line.high?.[place]];
  if (value === null || value === undefined) return t.charts.missing;
  if (low === null || low === undefined || high === null || high === undefined) return format(value);
  return `${format(value)} (${format(low)}–${format(high)})`;
}

type FiguresProps = Plotted & { title: string; dayName: string };

function Figures({ title, dayName, days, lines, format }: FiguresProps): ReactElement {
  return (
    <table className="table" aria-label={title}>
      <thead>
        <tr>
          <th scope="col">{dayName}</th>
          {lines.map((line) => (
            <th key={line.name} scope="col">
              {line.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {days.map((iso, place) => (
          <tr key={iso}>
            <th scope="row">{day(iso)}</th>
            {lines.map((line) => (
              <td key={line.name}>{cell(line, place, format)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
