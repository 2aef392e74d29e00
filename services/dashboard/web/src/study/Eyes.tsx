/** The photographs of a study: both eyes in step, an earlier visit beside today's, and pictures to compare with. */
import { useState, type ReactElement } from "react";

import { usePriors, usePriorStudy } from "../api/pictures";
import type { Result, StudyDetail } from "../api/types";
import { Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { Eye } from "./Eye";
import { EyeTools } from "./EyeTools";
import { heatMapOf } from "./heatMapOf";
import { PictureFilters } from "./PictureFilters";
import { photographsBySide, type Side } from "./photographs";
import { FROM_STEP, OPACITY_STEP, PLAIN, withFrom, withOpacity, type Picture } from "./picture";
import { kindOf } from "./kinds";
import { questionsOf, shownResult } from "./questions";
import { References } from "./References";
import { useLook } from "./useLook";
import { visitAfter, withPhotographs } from "./visits";
import { VisitEye } from "./VisitEye";
import "./pictures.css";

export function Eyes({ study, result }: { study: StudyDetail; result: Result | null }): ReactElement {
  const at = useLook(() => beginning(result));
  const { setPicture } = at;
  const [alone, setAlone] = useState<Side | null>(null);
  const [visit, setVisit] = useState<string | null>(null);
  const [compares, setCompares] = useState(false);
  const visits = withPhotographs(usePriors(study.id).data ?? []);
  const earlier = usePriorStudy(visit);
  const sides = photographsBySide(study, result);
  const show = (side: Side): void => setAlone(sides.some((group) => group.side === side) ? side : alone);
  const k = KEYS.picture;
  useShortcuts([
    { keys: k.overlay, run: () => setPicture((now) => ({ ...now, overlay: !now.overlay })) },
    { keys: k.lessOverlay, run: () => setPicture((now) => withOpacity(now, -OPACITY_STEP)) },
    { keys: k.moreOverlay, run: () => setPicture((now) => withOpacity(now, OPACITY_STEP)) },
    { keys: KEYS.eyes.lessOfMap, run: () => setPicture((now) => withFrom(now, FROM_STEP)) },
    { keys: KEYS.eyes.moreOfMap, run: () => setPicture((now) => withFrom(now, -FROM_STEP)) },
    { keys: KEYS.eyes.visit, run: () => setVisit(visitAfter(visits, visit)) },
    { keys: KEYS.eyes.references, run: () => setCompares(!compares) },
    { keys: k.redFree, run: () => setPicture((now) => ({ ...now, redFree: !now.redFree })) },
    { keys: k.right, run: () => show("R") },
    { keys: k.left, run: () => show("L") },
    { keys: k.other, run: () => show("none") },
    { keys: k.both, run: () => setAlone(null) },
  ]);

  if (sides.length === 0) return <Notice tone="muted" title={t.study.noPhotographs} />;
  const shown = alone === null ? sides : sides.filter((group) => group.side === alone);
  const prior = visits.find((one) => one.id === visit) ?? null;
  return (
    <section className="viewer" aria-label={t.study.viewer}>
      <EyeTools
        at={at}
        hasHeatMap={sides.some((group) => group.photographs.some((one) => heatMapOf(one, result) !== null))}
        visits={visits}
        visit={visit}
        setVisit={setVisit}
        compares={compares}
        setCompares={setCompares}
      />
      <div className={compares ? "eyes eyes-compared" : "eyes"}>
        <div className={prior === null ? "stages" : "stages stages-pairs"}>
          {shown.map((group) => [
            prior === null ? null : (
              <VisitEye
                key={`${group.side} before`}
                prior={prior}
                side={group.side}
                study={earlier}
                result={earlier.data === undefined ? null : eyesResult(earlier.data)}
                at={at}
              />
            ),
            <Eye
              key={group.side}
              group={group}
              result={result}
              at={at}
              visit={prior === null ? null : t.eyeTools.today}
              choice={sides.length > 1 ? { alone: alone !== null, pick: setAlone } : null}
            />,
          ])}
        </div>
        {compares ? <References study={study} begin={gradeOf(result)} close={() => setCompares(false)} /> : null}
      </div>
      <PictureFilters from={at.picture.from} />
    </section>
  );
}

/** A heat-map that is not reliable is not the first thing a reader should see; it is there when asked for. */
function beginning(result: Result | null): Picture {
  const reliable = result?.images.every((image) => image.explanation?.reliable ?? true) ?? true;
  return { ...PLAIN, overlay: reliable };
}

/** What the model said at that visit, as far as this reader may see it. */
function eyesResult(study: StudyDetail): Result | null {
  const question = questionsOf(study).find((one) => kindOf(one.pipeline) === "eyes");
  return question === undefined ? null : shownResult(question.results, false);
}

function gradeOf(result: Result | null): number {
  const value = result?.findings.find((one) => one.label === "dr_grade" && (one.laterality ?? null) === null)?.value;
  return typeof value === "number" ? value : 0;
}
