/** The same eye at an earlier visit, with the grade that was signed then. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactElement, ReactNode } from "react";

import type { Prior } from "../api/pictures";
import type { Result, StudyDetail } from "../api/types";
import { LoadFailed } from "../design/LoadFailed";
import { t } from "../text/messages";
import { Eye } from "./Eye";
import { photographsBySide, type Side } from "./photographs";
import type { Look } from "./useLook";
import { dayText, signedGrade } from "./visits";

type Props = {
  prior: Prior;
  side: Side;
  study: UseQueryResult<StudyDetail>;
  result: Result | null;
  at: Look;
};

export function VisitEye({ prior, side, study, result, at }: Props): ReactElement {
  const grade = signedGrade(prior, side === "none" ? null : side);
  const visit = t.eyeTools.visit(dayText(prior), grade);
  if (study.data === undefined) {
    return (
      <Frame side={side} visit={visit}>
        {study.isError ? <LoadFailed error={study.error} again={() => void study.refetch()} /> : t.loading}
      </Frame>
    );
  }
  const group = photographsBySide(study.data, result).find((one) => one.side === side);
  if (group === undefined) {
    return (
      <Frame side={side} visit={visit}>
        {t.eyeTools.notThen}
      </Frame>
    );
  }
  return <Eye key={prior.id} group={group} result={result} at={at} visit={visit} choice={null} />;
}

/** A place for an eye without a picture. */
function Frame({ side, visit, children }: { side: Side; visit: string; children: ReactNode }): ReactElement {
  return (
    <figure className="eye">
      <figcaption className="eye-head">
        <strong>{t.eyes[side]}</strong>
        <span className="tone-muted">{t.eyesShort[side]}</span>
        <span>{visit}</span>
      </figcaption>
      <div className="eye-missing tone-muted">{children}</div>
    </figure>
  );
}
