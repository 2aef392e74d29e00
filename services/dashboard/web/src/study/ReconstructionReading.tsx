/** A reconstruction: what was measured and what was inferred, in plain words and in figures. */
import type { ReactElement } from "react";

import type { Result } from "../api/types";
import { Button, Facts, Notice } from "../design/parts";
import { figure, percent, sentence } from "../text/format";
import { t } from "../text/messages";
import { madeBy, readFrom } from "./derived";
import { finding } from "./findings";
import { QualityBar } from "./QualityBar";
import { ReadingFrame } from "./ReadingFrame";
import { nameOfQuestion } from "./questions";
import { parameterNumber, parameterSentences, parameterText } from "./receipt";
import type { ReadingProps } from "./views";

const words = t.reconstruction;
/** Nothing is filled in by setting what is missing to zero. */
const INVENTS_NOTHING = "zero_filled";
/** The one method with weights; the others take settings alone from the same bundle. */
const LEARNED = "unrolled";

export function ReconstructionReading(props: ReadingProps): ReactElement {
  const { result } = props;
  const method = parameterText(result, "method");
  const inferred = method !== INVENTS_NOTHING && (accelerationOf(result) ?? Infinity) > 1;
  return (
    <ReadingFrame result={result}>
      <Notice tone={inferred ? "urgent" : "muted"} title={inferred ? words.inferred : words.measured}>
        <p>{what(method, inferred)}</p>
      </Notice>
      <Facts rows={facts(result, method)} />
      <QualityBar
        name={words.supported}
        quality={result.quality}
        limit={parameterNumber(result, "quality_threshold")}
      />
      <Reference result={result} />
      <Series {...props} />
      {result.explanation === null || result.explanation.method === "none" ? (
        <Notice tone="muted" title={words.noHeatMap}>
          <p>{sentence(result.explanation?.note ?? words.noHeatMapWhat)}</p>
        </Notice>
      ) : null}
    </ReadingFrame>
  );
}

/** Where every line was measured, no method had anything to fill in. */
function what(method: string | null, inferred: boolean): string {
  if (!inferred && method !== INVENTS_NOTHING) return t.compared.nothingInferred;
  return (method === null ? null : words.what[method]) ?? words.whatUnknown;
}

function accelerationOf(result: Result): number | null {
  const value = finding(result, "acceleration", null)?.value;
  return typeof value === "number" ? value : null;
}

function facts(result: Result, method: string | null): [string, string][] {
  const acceleration = accelerationOf(result);
  const residual = parameterNumber(result, "residual");
  const flagged = parameterNumber(result, "flagged");
  const coils = parameterNumber(result, "coils");
  const rows: [string, string | null][] = [
    [words.method, method === null ? null : (words.methods[method] ?? method)],
    [t.compared.model, method === LEARNED ? `${result.model.name} ${result.model.version}` : null],
    [words.acceleration, acceleration === null ? null : accelerationText(acceleration)],
    [words.flagged, flagged === null ? null : words.flaggedWhat(flagged)],
    [words.residual, residual === null ? null : `${figure(residual, null)} (${words.residualWhat})`],
    [words.coils, coils === null ? null : String(coils)],
    ...parameterSentences(result, "notes").map((note): [string, string] => [words.notes, sentence(note)]),
  ];
  return rows.flatMap(([name, text]) => (text === null ? [] : [[name, text]]));
}

function accelerationText(factor: number): string {
  return factor > 1 ? words.share(figure(factor, null), percent(1 / factor)) : words.full;
}

/** The series that came of it, to look at, and what was read from it. */
function Series({ study, result, questions, choose, want }: ReadingProps): ReactElement {
  const series = madeBy(study, result);
  return (
    <>
      <h3>{words.series}</h3>
      {series === null ? <p className="tone-muted">{words.seriesWaits}</p> : null}
      <div className="row">
        {series === null ? null : (
          <Button small onClick={() => want(series.id)}>
            {words.look}
          </Button>
        )}
        {(series === null ? [] : readFrom(series, questions)).map((question) => (
          <Button key={question.slotId} small onClick={() => choose(question.slotId)}>
            {words.readOn(nameOfQuestion(question))}
          </Button>
        ))}
      </div>
    </>
  );
}

const AGAINST_REFERENCE = ["ssim", "psnr", "nmse"] as const;

function Reference({ result }: { result: Result }): ReactElement {
  const rows = AGAINST_REFERENCE.flatMap((label): [string, string][] => {
    const one = finding(result, label, null);
    if (typeof one?.value !== "number") return [];
    const unit = one.unit && one.unit !== "1" ? ` ${one.unit}` : "";
    return [[words[label], `${figure(one.value, one.unit ?? null)}${unit}`]];
  });
  if (rows.length === 0) return <></>;
  return (
    <>
      <h3>{words.reference}</h3>
      <Facts rows={rows} />
    </>
  );
}
