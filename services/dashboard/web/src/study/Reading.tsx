/** What the machine says, eye by eye: grade, probabilities with their interval, quality, and whether to trust it. */
import type { ReactElement } from "react";

import type { Finding, ImageReading, Laterality, Result } from "../api/types";
import { Badge, Notice } from "../design/parts";
import { percent, sentence } from "../text/format";
import { t } from "../text/messages";
import { eyesOf, finding } from "./photographs";

export function Reading({ result }: { result: Result }): ReactElement {
  const eyes = eyesOf(result);
  const unreliable = result.images.filter((image) => image.explanation && !image.explanation.reliable);
  return (
    <section className="panel" aria-labelledby="reading-title">
      <div className="row row-apart">
        <h2 id="reading-title">{t.reading.title}</h2>
        <span title={t.urgency[`${result.urgency}Why`]}>
          <Badge icon={result.urgency} tone={result.urgency}>
            {t.urgency[result.urgency]}
          </Badge>
        </span>
      </div>
      {result.abstained ? (
        <Notice tone="check" title={t.reading.abstained}>
          <p>{abstainReason(result.abstain_reason)}</p>
          <p>{t.reading.abstainedWhat}</p>
        </Notice>
      ) : null}
      {eyes.map((eye) => (
        <EyeReading key={eye ?? "patient"} result={result} eye={eye} images={imagesOf(result, eye)} />
      ))}
      {unreliable.length > 0 ? (
        <Notice tone="urgent" title={t.trust.unreliable}>
          {[...new Set(unreliable.map((image) => image.explanation?.note ?? t.trust.noNote))].map((note) => (
            <p key={note}>{sentence(note)}</p>
          ))}
        </Notice>
      ) : null}
    </section>
  );
}

function abstainReason(reason: string | null): string {
  if (reason === null) return t.reading.noReason;
  return t.abstainReasons[reason] ?? sentence(reason);
}

function imagesOf(result: Result, eye: Laterality | null): ImageReading[] {
  return eye === null ? result.images : result.images.filter((image) => image.laterality === eye);
}

type EyeProps = { result: Result; eye: Laterality | null; images: ImageReading[] };

function EyeReading({ result, eye, images }: EyeProps): ReactElement {
  const grade = finding(result, "dr_grade", eye);
  const others = result.findings.filter((one) => (one.laterality ?? null) === eye && one.label !== "dr_grade");
  const abstained = images.find((image) => image.abstained);
  return (
    <div className="eye-reading">
      <div className="row row-apart">
        <h3>{eye === null ? t.eyes.patient : t.eyes[eye]}</h3>
        {abstained && !result.abstained ? (
          <Badge icon="check" tone="check">
            {abstainReason(abstained.abstain_reason ?? null)}
          </Badge>
        ) : null}
      </div>
      {grade ? <Grade grade={grade} /> : null}
      <dl className="facts">
        {others.map((one) => (
          <div key={one.label} className="facts-row">
            <dt>{t.labels[one.label] ?? one.code.meaning}</dt>
            <dd>{valueText(one)}</dd>
          </div>
        ))}
        <div className="facts-row">
          <dt>{t.quality.title}</dt>
          <dd>
            <QualityOf images={images} />
          </dd>
        </div>
      </dl>
    </div>
  );
}

function Grade({ grade }: { grade: Finding }): ReactElement {
  return (
    <>
      <p className="grade">
        {grade.value === null ? (
          <span className="tone-check">{t.reading.noGrade}</span>
        ) : (
          <>
            <span className="grade-number">{grade.value}</span> {t.grades.dr_grade[Number(grade.value)]}
          </>
        )}
      </p>
      {grade.probabilities ? <Bars finding={grade} probabilities={grade.probabilities} /> : null}
    </>
  );
}

type BarsProps = { finding: Finding; probabilities: Record<string, number> };

/** One bar a grade; the interval is drawn beside the grades it spans and written below. */
function Bars({ finding: one, probabilities }: BarsProps): ReactElement {
  const [low, high] = one.interval ?? [null, null];
  const inside = (grade: number): boolean => low !== null && high !== null && grade >= low && grade <= high;
  return (
    <>
      <table className="bars" aria-label={t.reading.probabilities}>
        <tbody>
          {Object.entries(probabilities).map(([grade, probability]) => (
            <tr key={grade} className={Number(grade) === one.value ? "bar-chosen" : undefined}>
              <th scope="row" title={t.grades.dr_grade[Number(grade)]}>
                {grade}
              </th>
              <td className={inside(Number(grade)) ? "bar-span" : undefined}>
                <span className="bar-fill" style={{ width: `${probability * 100}%` }} />
              </td>
              <td className="bar-number">{percent(probability)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {low !== null && high !== null ? (
        <p className="tone-muted small interval">
          <span className="interval-mark" aria-hidden="true" /> {t.reading.interval(low, high)}
        </p>
      ) : null}
    </>
  );
}

function valueText(one: Finding): string {
  if (one.value === null) return t.none;
  if (one.label === "dme_risk") return `${one.value} · ${t.grades.dme_risk[Number(one.value)] ?? ""}`;
  if (one.label === "referable_dr") return percent(Number(one.value));
  return one.unit ? `${one.value} ${one.unit}` : String(one.value);
}

function QualityOf({ images }: { images: ImageReading[] }): ReactElement {
  const worst = [...images].sort((a, b) => a.quality.score - b.quality.score)[0]?.quality;
  if (worst === undefined) return <>{t.none}</>;
  const reasons = (worst.reasons ?? []).map((reason) => t.quality.reasons[reason] ?? reason);
  return (
    <>
      <Badge icon={worst.gradable ? "signed" : "check"} tone={worst.gradable ? "routine" : "check"}>
        {worst.gradable ? t.quality.gradable : t.quality.ungradable}
      </Badge>{" "}
      {t.quality.score(percent(worst.score))}
      {reasons.length > 0 ? `: ${reasons.join(", ")}` : ""}
    </>
  );
}
