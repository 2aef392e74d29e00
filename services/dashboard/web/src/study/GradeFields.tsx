/** The grades as the reader sets them, eye by eye, beginning with the machine's. */
import type { ReactElement } from "react";

import type { Result } from "../api/types";
import { t } from "../text/messages";
import { finding } from "./photographs";
import { EDITABLE, editable, gradeKey, type Grades } from "./verdict";

type Props = { result: Result; grades: Grades; change: (grades: Grades) => void };

export function GradeFields({ result, grades, change }: Props): ReactElement {
  return (
    <>
      {editable(result).map(({ label, laterality }) => {
        const key = gradeKey(label, laterality);
        const machine = finding(result, label, laterality)?.value ?? null;
        const eye = laterality === null ? t.eyes.patient : t.eyes[laterality];
        return (
          <fieldset key={key} className="grade-field">
            <legend className="field-label">
              {eye}: {t.labels[label]}
            </legend>
            <div className="grade-choices">
              {EDITABLE[label].map((grade) => (
                <label key={grade} title={t.grades[label][grade]}>
                  <input
                    type="radio"
                    name={key}
                    value={grade}
                    checked={grades[key] === grade}
                    onChange={() => change({ ...grades, [key]: grade })}
                  />
                  <span>
                    {grade}
                    {grade === machine ? <span className="hidden-visually"> {t.review.machine}</span> : null}
                  </span>
                </label>
              ))}
              <span className="tone-muted small grade-name">{t.grades[label][grades[key] ?? -1] ?? t.review.choose}</span>
            </div>
          </fieldset>
        );
      })}
    </>
  );
}
