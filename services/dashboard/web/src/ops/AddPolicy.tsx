/** A retention policy to be written down; it acts once it is approved. */
import { useState, type ReactElement } from "react";

import { useAddPolicy, type NewPolicy } from "../api/ops";
import { usePipelines } from "../api/queries";
import { AddForm, NameField } from "../design/AddForm";
import { Check, Checks, PipelineSelect } from "../design/Choices";
import { Field } from "../design/parts";
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
    <AddForm
      title={words.add}
      submit={words.submit}
      adding={add}
      ready={policy.states.length > 0}
      onAdd={() => add.mutate(policy, { onSuccess: () => setPolicy(FRESH) })}
    >
      <NameField label={words.name} name={policy.name} onChange={(name) => set({ name })} />
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
        <PipelineSelect
          pipelines={pipelines}
          any={words.anyPipeline}
          value={policy.pipeline ?? ""}
          onChange={(pipeline) => set({ pipeline: pipeline === "" ? null : pipeline })}
        />
      </Field>
      <Checks legend={words.means}>
        {STATES.map((state) => (
          <Check key={state} on={policy.states.includes(state)} onChange={(on) => toggle(state, on)}>
            {words.states[state]}
          </Check>
        ))}
      </Checks>
    </AddForm>
  );
}
