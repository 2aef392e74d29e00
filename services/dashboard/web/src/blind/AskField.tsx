/** One finding that a blind reader is asked for: a grade to choose, a class to pick, or a number to type. */
import { useId, type ReactElement } from "react";

import type { Ask } from "../api/blind";
import { SteadySelect } from "../design/Choices";
import { sideText } from "../study/findings";
import { kindOf } from "../study/kinds";
import { t } from "../text/messages";
import { keyOf } from "./word";

type Props = { ask: Ask; pipeline: string; off: boolean; answer: string; change: (answer: string) => void };
type FieldProps = Omit<Props, "pipeline"> & { name: string };

export function AskField({ pipeline, ...rest }: Props): ReactElement {
  const name = askName(rest.ask, pipeline);
  if (rest.ask.kind === "number") return <Measured {...rest} name={name} />;
  const numbered = rest.ask.choices.every((choice) => typeof choice.value === "number");
  return numbered ? <Graded {...rest} name={name} /> : <Named {...rest} name={name} />;
}

/** "Right eye: diabetic retinopathy" */
export function askName(ask: Pick<Ask, "label" | "name" | "laterality">, pipeline: string): string {
  const label = t.labels[ask.label] ?? ask.name;
  return ask.laterality === null ? label : `${sideText(kindOf(pipeline), ask.laterality)}: ${label}`;
}

function Graded({ ask, name, off, answer, change }: FieldProps): ReactElement {
  const chosen = ask.choices.find((choice) => String(choice.value) === answer);
  return (
    <fieldset className="grade-field" disabled={off}>
      <legend className="field-label">{name}</legend>
      <div className="grade-choices">
        {ask.choices.map((choice) => (
          <label key={choice.value} title={choice.name}>
            <input
              type="radio"
              name={keyOf(ask)}
              value={choice.value}
              checked={String(choice.value) === answer}
              aria-label={`${choice.value} ${choice.name}`}
              onChange={() => change(String(choice.value))}
            />
            <span aria-hidden="true">{choice.value}</span>
          </label>
        ))}
        <span className="tone-muted small grade-name">{chosen?.name ?? t.review.choose}</span>
      </div>
    </fieldset>
  );
}

function Named({ ask, name, off, answer, change }: FieldProps): ReactElement {
  return (
    <label className="field">
      <span>{name}</span>
      <SteadySelect disabled={off} value={answer} onChange={(event) => change(event.target.value)}>
        <option value="">{t.review.choose}</option>
        {ask.choices.map((choice) => (
          <option key={choice.value} value={String(choice.value)}>
            {choice.name}
          </option>
        ))}
      </SteadySelect>
    </label>
  );
}

/** A text and no number field: browsers drop what is not yet a number while it is being typed. */
function Measured({ ask, name, off, answer, change }: FieldProps): ReactElement {
  const id = useId();
  return (
    <div className="number-field">
      <label className="field-label" htmlFor={id}>
        {name}
      </label>
      <input
        id={id}
        className="input"
        inputMode="decimal"
        autoComplete="off"
        disabled={off}
        value={answer}
        onChange={(event) => change(event.target.value)}
      />
      <span>{ask.unit === "1" ? "" : ask.unit}</span>
    </div>
  );
}
