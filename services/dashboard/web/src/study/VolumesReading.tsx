/** Volumes of outlined structures: the table by side, how far to trust them, and which series was measured. */
import type { ReactElement } from "react";

import type { Finding, ImageReading, Laterality, Result } from "../api/types";
import { Badge, Button, Facts, Notice } from "../design/parts";
import { figure, sentence, span } from "../text/format";
import { t } from "../text/messages";
import { madeFrom } from "./derived";
import { finding } from "./findings";
import { QualityBar } from "./QualityBar";
import { ReadingFrame } from "./ReadingFrame";
import { chosenSeries, parameterNumber, parameterSentences, plausibleSpan } from "./receipt";
import type { ReadingProps } from "./views";
import { leaning } from "./said";
import { ASYMMETRY, SIDES, TOTAL, volumeTable } from "./volumes";

export function VolumesReading(props: ReadingProps): ReactElement {
  const { result } = props;
  return (
    <ReadingFrame result={result}>
      <Reconstructed {...props} />
      <Volumes result={result} />
      <h3>{t.volumes.quality}</h3>
      {rightFirst(result.images).map((image, place) => (
        <QualityBar
          key={`${image.laterality}/${place}`}
          name={sideName(image.laterality)}
          quality={image.quality}
          limit={parameterNumber(result, "quality_threshold")}
        />
      ))}
      <Measured result={result} />
    </ReadingFrame>
  );
}

function rightFirst(images: readonly ImageReading[]): ImageReading[] {
  return [...images].sort((one, other) => SIDES.indexOf(one.laterality) - SIDES.indexOf(other.laterality));
}

function sideName(laterality: Laterality | null): string {
  return laterality === null ? t.sides.none : t.sides[laterality];
}

/** A measurement is no surer than the images it was made on. */
function Reconstructed({ study, result, questions, choose }: ReadingProps): ReactElement {
  const maker = madeFrom(study, result, questions);
  if (maker === null) return <></>;
  return (
    <Notice tone="urgent" title={t.volumes.reconstructed}>
      <p>{t.volumes.reconstructedWhat}</p>
      <Button small onClick={() => choose(maker.slotId)}>
        {t.volumes.reconstructedLook}
      </Button>
    </Notice>
  );
}

function Volumes({ result }: { result: Result }): ReactElement {
  const { sides, rows } = volumeTable(result);
  const asymmetry = finding(result, ASYMMETRY, null);
  if (rows.length === 0) return <></>;
  const spans = rows.some((row) => row.cells.some((cell) => cell?.interval));
  return (
    <>
      <table className={result.abstained ? "volumes volumes-doubtful" : "volumes"} aria-label={t.volumes.table}>
        <thead>
          <tr>
            <th scope="col">{t.volumes.structure}</th>
            {sides.map((side) => (
              <th key={side} scope="col">
                {sideName(side)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ structure, cells }) => (
            <tr key={structure} className={structure === TOTAL ? "volumes-total" : undefined}>
              <th scope="row">{t.labels[structure]}</th>
              {cells.map((cell, place) => (
                <Volume key={sides[place]} cell={cell} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {result.abstained ? (
        <Badge icon="check" tone="check">
          {t.volumes.unreadable}
        </Badge>
      ) : null}
      <p className="tone-muted small">{spans ? t.volumes.units : t.volumes.noInterval}</p>
      {typeof asymmetry?.value === "number" ? (
        <Facts
          rows={[[t.volumes.asymmetry, <Asymmetry key="asymmetry" value={asymmetry.value} finding={asymmetry} />]]}
        />
      ) : null}
    </>
  );
}

function Volume({ cell }: { cell: Finding | null }): ReactElement {
  if (typeof cell?.value !== "number") return <td>{t.none}</td>;
  const unit = cell.unit ?? null;
  return (
    <td>
      <span className="volume">{figure(cell.value, unit)}</span>
      {cell.interval ? <div className="tone-muted small">{span(...cell.interval, unit)}</div> : null}
    </td>
  );
}

function Asymmetry({ value, finding: one }: { value: number; finding: Finding }): ReactElement {
  const unit = one.unit ?? null;
  return (
    <>
      {leaning(value, unit)}
      {one.interval ? (
        <div className="tone-muted small">
          {t.volumes.between(leaning(one.interval[0], unit), leaning(one.interval[1], unit))}
        </div>
      ) : null}
    </>
  );
}

/** Which series was read and why not the others, what its geometry needed, and what volumes are usual. */
function Measured({ result }: { result: Result }): ReactElement {
  const series = chosenSeries(result);
  const plausible = plausibleSpan(result);
  const rows: [string, string][] = [];
  if (series !== null) {
    rows.push([t.volumes.series, t.volumes.chosen(series.number, series.weighting)]);
    for (const one of series.skipped) rows.push([t.volumes.notRead(one.number), sentence(one.reason)]);
  }
  for (const note of parameterSentences(result, "geometry_notes")) rows.push([t.volumes.notes, sentence(note)]);
  if (plausible !== null) rows.push([t.volumes.plausible, t.volumes.plausibleTotal(span(...plausible, "ml"))]);
  return rows.length > 0 ? <Facts rows={rows} /> : <></>;
}
