/** A retention policy to be written down; it acts once it is approved. */
import { useState, type ReactElement } from "react";

import { useAddPolicy, type NewPolicy } from "../api/ops";
import { usePipelines } from "../api/queries";
import { NotDone } from "../design/Confirm";
import { Button, Field } from "../design/parts";
import { nameOfPipeline } from "../study/questions";
import { t } from "../text/messages";

type State = NewPolicy["states"][number];
const STATES = Object.keys(t.ops.retention.states) as State[];
/** Ten years: how long records of patients are kept where the law says nothing longer. */
const USUAL_DAYS = 3650;
const FRESH: NewPolicy = { name: "", states: ["signed"], older_than_days: USUAL_DAYS, pipeline: null };

export function AddPolicy(): ReactElement {
  const [policy, setPolicy] = useState<NewPolicy>(FRESH);
  const pipelines = usePipelines();
  const add = useAddPolicy();
  const words = t.ops.retention;
  const set = (change: Partial<NewPolicy>): void => setPolicy({ ...policy, ...change });
  const toggle = (state: State, on: boolean): void =>
    set({ states: on ? [...policy.states, state] : policy.states.filter((one) => one !== state) });
  return (
    <section className="panel">
      <h2>{words.add}</h2>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate(policy, { onSuccess: () => setPolicy(FRESH) });
        }}
      >
        <Field label={words.name}>
          <input
            className="input"
            required
            maxLength={64}
            value={policy.name}
            onChange={(event) => set({ name: event.target.value })}
          />
        </Field>
        <Field label={words.older}>
          <input
            className="input"
            type="number"
            min={1}
            required
            value={policy.older_than_days}
            onChange={(event) => set({ older_than_days: Number(event.target.value) })}
          />
        </Field>
        <Field label={words.pipeline}>
          <select
            className="input"
            value={policy.pipeline ?? ""}
            onChange={(event) => set({ pipeline: event.target.value === "" ? null : event.target.value })}
          >
            <option value="">{words.anyPipeline}</option>
            {pipelines.map((name) => (
              <option key={name} value={name}>
                {nameOfPipeline(name)}
              </option>
            ))}
          </select>
        </Field>
        <fieldset className="choices">
          <legend className="field-label">{words.means}</legend>
          {STATES.map((state) => (
            <label key={state} className="choice">
              <input
                type="checkbox"
                checked={policy.states.includes(state)}
                onChange={(event) => toggle(state, event.target.checked)}
              />
              {words.states[state]}
            </label>
          ))}
        </fieldset>
        <Button type="submit" kind="primary" disabled={add.isPending || policy.states.length === 0}>
          {words.submit}
        </Button>
      </form>
      <NotDone error={add.error} />
    </section>
  );
}
