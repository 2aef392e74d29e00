/** The fields of a new batch: what reads, which studies, and when. */
import type { ReactElement } from "react";

import type { ModelSummary } from "../api/types";
import { PipelineSelect } from "../design/Choices";
import { Field } from "../design/parts";
import { t } from "../text/messages";
import type { Asked } from "./asked";

type Props = { asked: Asked; change: (part: Partial<Asked>) => void };
type WithModels = Props & { models: readonly ModelSummary[] };

/** The API takes names of so many characters. */
const LONGEST_NAME = 1024;
const WINDOW = [
  ["opens", "time"],
  ["closes", "time"],
  ["zone", "text"],
] as const;
/** What a night may cost, each with its least and its step. */
const BUDGET = [
  ["studies", 1],
  ["hours", 0.1],
] as const;

export function What({ asked, change, models }: WithModels): ReactElement {
  const model = models.find((one) => one.pipeline === asked.pipeline);
  const pipelines = [...new Set(models.map((one) => one.pipeline))];
  return (
    <fieldset className="panel">
      <legend>
        <h2>{t.newBatch.what}</h2>
      </legend>
      <div className="fields">
        <Field label={t.newBatch.name}>
          <input
            className="input"
            type="text"
            required
            maxLength={LONGEST_NAME}
            value={asked.name}
            onChange={(event) => change({ name: event.target.value })}
          />
        </Field>
        <Field label={t.newBatch.pipeline}>
          <PipelineSelect
            pipelines={pipelines}
            value={asked.pipeline}
            onChange={(pipeline) => change({ pipeline, version: "", readBy: "" })}
          />
        </Field>
        <Field label={t.newBatch.version}>
          <select className="input" value={asked.version} onChange={(event) => change({ version: event.target.value })}>
            {model?.active ? <option value="">{t.newBatch.active(model.active)}</option> : null}
            {versionsOf(model)
              .filter((version) => version !== model?.active)
              .map((version) => (
                <option key={version}>{version}</option>
              ))}
          </select>
        </Field>
      </div>
    </fieldset>
  );
}

export function Which({ asked, change, models }: WithModels): ReactElement {
  const model = models.find((one) => one.pipeline === asked.pipeline);
  return (
    <fieldset className="panel">
      <legend>
        <h2>{t.newBatch.which}</h2>
      </legend>
      <div className="fields">
        <Field label={t.newBatch.readBy}>
          <select className="input" value={asked.readBy} onChange={(event) => change({ readBy: event.target.value })}>
            <option value="">{t.newBatch.any}</option>
            {versionsOf(model).map((version) => (
              <option key={version}>{version}</option>
            ))}
          </select>
        </Field>
        {(["from", "to"] as const).map((name) => (
          <Field key={name} label={t.newBatch[name]}>
            <input
              className="input"
              type="date"
              value={asked[name]}
              onChange={(event) => change({ [name]: event.target.value })}
            />
          </Field>
        ))}
        <Field label={t.newBatch.review}>
          <select
            className="input"
            value={asked.review}
            onChange={(event) => change({ review: event.target.value as Asked["review"] })}
          >
            <option value="">{t.newBatch.any}</option>
            {(["unread", "drafted", "signed"] as const).map((state) => (
              <option key={state} value={state}>
                {t.reviewState[state]}
              </option>
            ))}
          </select>
        </Field>
        <Field label={t.newBatch.abstained}>
          <select
            className="input"
            value={asked.abstained}
            onChange={(event) => change({ abstained: event.target.value as Asked["abstained"] })}
          >
            <option value="">{t.newBatch.any}</option>
            <option value="yes">{t.newBatch.abstainedYes}</option>
            <option value="no">{t.newBatch.abstainedNo}</option>
          </select>
        </Field>
      </div>
    </fieldset>
  );
}

export function When({ asked, change }: Props): ReactElement {
  return (
    <fieldset className="panel">
      <legend>
        <h2>{t.newBatch.when}</h2>
      </legend>
      <label className="row">
        <input type="checkbox" checked={asked.always} onChange={(event) => change({ always: event.target.checked })} />
        {t.newBatch.always}
      </label>
      <div className="fields">
        {WINDOW.map(([name, type]) => (
          <Field key={name} label={t.newBatch[name]}>
            <input
              className="input"
              type={type}
              required={!asked.always}
              disabled={asked.always}
              value={asked[name]}
              onChange={(event) => change({ [name]: event.target.value })}
            />
          </Field>
        ))}
        {BUDGET.map(([name, step]) => (
          <Field key={name} label={t.newBatch[name]}>
            <input
              className="input"
              type="number"
              min={step}
              step={step}
              placeholder={t.newBatch.noLimit}
              value={asked[name]}
              onChange={(event) => change({ [name]: event.target.value })}
            />
          </Field>
        ))}
      </div>
    </fieldset>
  );
}

function versionsOf(model: ModelSummary | undefined): string[] {
  return model?.versions.map((version) => version.version) ?? [];
}
