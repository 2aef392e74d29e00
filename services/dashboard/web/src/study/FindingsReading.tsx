/** The findings of a model that somebody added, as they come: name, side, value, interval, probabilities. */
import type { ReactElement } from "react";

import type { Finding, Result } from "../api/types";
import { Facts } from "../design/parts";
import { quantity, sentence, span } from "../text/format";
import { t } from "../text/messages";
import { labelText } from "./findings";
import { Probabilities } from "./Probabilities";
import { QualityBar } from "./QualityBar";
import { ReadingFrame } from "./ReadingFrame";
import { parameterNumber, parameterSentences } from "./receipt";

/** Of more classes than these the likeliest are shown. */
const MOST_CLASSES = 6;

export function FindingsReading({ result }: { result: Result }): ReactElement {
  const notes = parameterSentences(result, "geometry_notes");
  return (
    <ReadingFrame result={result}>
      {result.findings.length === 0 ? (
        <p className="tone-muted">{t.findings.none}</p>
      ) : (
        <Table findings={result.findings} />
      )}
      {result.findings.map((one) => (
        <Classes key={`${one.label}/${one.laterality}`} finding={one} />
      ))}
      <QualityBar
        name={t.findings.quality}
        quality={result.quality}
        limit={parameterNumber(result, "quality_threshold")}
      />
      {notes.length > 0 ? <Facts rows={notes.map((note) => [t.volumes.notes, sentence(note)] as const)} /> : null}
    </ReadingFrame>
  );
}

function Table({ findings }: { findings: readonly Finding[] }): ReactElement {
  const sided = findings.some((one) => one.laterality);
  return (
    <table className="volumes" aria-label={t.findings.table}>
      <thead>
        <tr>
          <th scope="col">{t.findings.finding}</th>
          {sided ? <th scope="col">{t.findings.side}</th> : null}
          <th scope="col">{t.findings.value}</th>
        </tr>
      </thead>
      <tbody>
        {findings.map((one) => (
          <tr key={`${one.label}/${one.laterality}`}>
            <th scope="row">{labelText(one)}</th>
            {sided ? <td>{one.laterality ? t.sides[one.laterality] : t.none}</td> : null}
            <td>
              <span className="volume">{valueText(one)}</span>
              {one.interval ? <div className="tone-muted small">{span(...one.interval, one.unit ?? null)}</div> : null}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function valueText(one: Finding): string {
  if (one.value === null) return t.none;
  return typeof one.value === "number" ? quantity(one.value, one.unit ?? null) : one.value;
}

function Classes({ finding }: { finding: Finding }): ReactElement {
  if (!finding.probabilities) return <></>;
  const likeliest = Object.entries(finding.probabilities).sort(([, one], [, other]) => other - one);
  return <Probabilities finding={finding} classes={likeliest.slice(0, MOST_CLASSES)} names={[]} />;
}
