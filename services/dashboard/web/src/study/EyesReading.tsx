/** What the machine says, eye by eye: grade, probabilities with their interval, quality, and whether to trust it. */
import type { ReactElement } from "react";

import { usePriors } from "../api/pictures";
import type { Finding, ImageReading, Laterality, Result, StudyDetail } from "../api/types";
import { Badge } from "../design/parts";
import { percent } from "../text/format";
import { t } from "../text/messages";
import { finding, labelText } from "./findings";
import { GradeLine } from "./GradeLine";
import { eyesOf } from "./photographs";
import { Probabilities } from "./Probabilities";
import { abstainReason, hasHeatMap, ReadingFrame } from "./ReadingFrame";
import { gradesOf, withPhotographs, type GradePoint } from "./visits";

export function EyesReading({ study, result }: { study: StudyDetail; result: Result }): ReactElement {
  const visits = withPhotographs(usePriors(study.id).data ?? []);
  return (
    <ReadingFrame result={result}>
      {eyesOf(result).map((eye) => (
        <EyeReading
          key={eye ?? "patient"}
          result={result}
          eye={eye}
          images={imagesOf(result, eye)}
          grades={gradesOf(visits, result, eye)}
        />
      ))}
      {hasHeatMap(result) ? <p className="tone-muted small">{t.eyeTools.noLesions}</p> : null}
    </ReadingFrame>
  );
}

function imagesOf(result: Result, eye: Laterality | null): ImageReading[] {
  return eye === null ? result.images : result.images.filter((image) => image.laterality === eye);
}

type EyeProps = { result: Result; eye: Laterality | null; images: ImageReading[]; grades: GradePoint[] };

function EyeReading({ result, eye, images, grades }: EyeProps): ReactElement {
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
      <GradeLine points={grades} />
      <dl className="facts">
        {others.map((one) => (
          <div key={one.label} className="facts-row">
            <dt>{labelText(one)}</dt>
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
      {grade.probabilities ? (
        <>
          <Probabilities finding={grade} classes={Object.entries(grade.probabilities)} names={t.grades.dr_grade} />
          <Interval finding={grade} />
        </>
      ) : null}
    </>
  );
}

/** The span of grades that the model holds likely, in words. */
function Interval({ finding: one }: { finding: Finding }): ReactElement {
  if (!one.interval) return <></>;
  return (
    <p className="tone-muted small interval">
      <span className="interval-mark" aria-hidden="true" /> {t.reading.interval(...one.interval)}
    </p>
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
