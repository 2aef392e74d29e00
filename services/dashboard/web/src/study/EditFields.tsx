/** The values as the reader sets them, beginning with the machine's: grades to choose, numbers to type. */
import { useId, type ReactElement } from "react";

import type { Result } from "../api/types";
import { SteadySelect } from "../design/Choices";
import { t } from "../text/messages";
import { fieldsOf, GRADES, type Answers, type Field } from "./edits";
import { labelText, sideText } from "./findings";
import { kindOf } from "./kinds";

type Props = { result: Result; answers: Answers; change: (answers: Answers) => void };
type FieldProps = { name: string; field: Field; answer: string; change: (answer: string) => void };

export function EditFields({ result, answers, change }: Props): ReactElement {
  const kind = kindOf(result.pipeline);
  return (
    <>
      {fieldsOf(result).map((field) => {
        const Chosen = fieldOf(field);
        const side = field.finding.laterality ?? null;
        // A finding without a side is the patient's where others are an eye's, and needs no side where there are none.
        const name =
          side === null && kind !== "eyes"
            ? labelText(field.finding)
            : `${sideText(kind, side)}: ${labelText(field.finding)}`;
        return (
          <Chosen
            key={field.key}
            name={name}
            field={field}
            answer={answers[field.key] ?? ""}
            change={(answer) => change({ ...answers, [field.key]: answer })}
          />
        );
      })}
      {kind === "volumes" ? <p className="tone-muted small">{t.volumes.computed}</p> : null}
    </>
  );
}

function fieldOf(field: Field): typeof Grade {
  if (field.choices === null) return TypedNumber;
  return field.finding.label in GRADES ? Grade : Class;
}

function Grade({ name, field, answer, change }: FieldProps): ReactElement {
  const names: readonly string[] = t.grades[field.finding.label as keyof typeof GRADES];
  return (
    <fieldset className="grade-field">
      <legend className="field-label">{name}</legend>
      <div className="grade-choices">
        {field.choices?.map((grade) => (
          <label key={grade} title={names[Number(grade)]}>
            <input
              type="radio"
              name={field.key}
              value={grade}
              checked={answer === grade}
              onChange={() => change(grade)}
            />
            <span>
              {grade}
              {grade === field.begin ? <span className="hidden-visually"> {t.review.machine}</span> : null}
            </span>
          </label>
        ))}
        <span className="tone-muted small grade-name">{names[Number(answer || -1)] ?? t.review.choose}</span>
      </div>
    </fieldset>
  );
}

function Class({ name, field, answer, change }: FieldProps): ReactElement {
  return (
    <fieldset className="grade-field">
      <label className="number-field">
        <span className="field-label">{name}</span>
        <SteadySelect value={answer} onChange={(event) => change(event.target.value)}>
          {field.choices?.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </SteadySelect>
        <span className="tone-muted small">{t.review.begins(field.begin)}</span>
      </label>
    </fieldset>
  );
}

/** A text and no number field: browsers drop what is not yet a number while it is being typed. */
function TypedNumber({ name, field, answer, change }: FieldProps): ReactElement {
  const id = useId();
  return (
    <fieldset className="grade-field">
      <div className="number-field">
        <label className="field-label" htmlFor={id}>
          {name}
        </label>
        <input
          id={id}
          className="input"
          inputMode="decimal"
          autoComplete="off"
          value={answer}
          aria-describedby={`${id}-machine`}
          onChange={(event) => change(event.target.value)}
        />
        <span>{unitText(field)}</span>
        <span id={`${id}-machine`} className="tone-muted small">
          {t.review.begins(field.begin)}
        </span>
      </div>
    </fieldset>
  );
}

function unitText(field: Field): string {
  const unit = field.finding.unit ?? "";
  return unit === "1" ? "" : unit;
}
