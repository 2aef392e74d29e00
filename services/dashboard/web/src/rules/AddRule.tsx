/** A reading rule to be written down; it asks at every first signature from then on. */
import { useState, type ReactElement } from "react";

import { usePipelines } from "../api/queries";
import { useAddRule, type NewRule } from "../api/rules";
import type { Urgency } from "../api/types";
import { AddForm, NameField } from "../design/AddForm";
import { Check, Checks, PipelineSelect } from "../design/Choices";
import { Field } from "../design/parts";
import { t } from "../text/messages";

const URGENCIES = ["stat", "urgent", "check", "routine"] as const satisfies readonly Urgency[];
const PERCENT = 100;
/** As the server has it (services/api/reading_rules.py). */
const LONGEST_NAME = 1024;
const FRESH: NewRule = {
  name: "",
  pipeline: null,
  share: 0,
  urgencies: [],
  on_abstained: false,
  on_disagreement: false,
  blinded: true,
};

export function AddRule(): ReactElement {
  const [rule, setRule] = useState<NewRule>(FRESH);
  const add = useAddRule();
  const words = t.rules;
  const set = (change: Partial<NewRule>): void => setRule({ ...rule, ...change });
  const toggle = (urgency: Urgency, on: boolean): void =>
    set({ urgencies: on ? [...rule.urgencies, urgency] : rule.urgencies.filter((one) => one !== urgency) });
  const asks = rule.share > 0 || rule.urgencies.length > 0 || rule.on_abstained || rule.on_disagreement;
  return (
    <AddForm
      title={words.add}
      submit={add.isPending ? words.adding : words.add}
      hint={asks ? undefined : words.lacking}
      adding={add}
      ready={asks && rule.name.trim() !== ""}
      onAdd={() => add.mutate(rule, { onSuccess: () => setRule(FRESH) })}
    >
      <What rule={rule} set={set} />
      <Checks legend={words.urgencies}>
        {URGENCIES.map((urgency) => (
          <Check key={urgency} on={rule.urgencies.includes(urgency)} onChange={(on) => toggle(urgency, on)}>
            {t.urgency[urgency]}
          </Check>
        ))}
      </Checks>
      <Checks legend={words.when}>
        <Check on={rule.on_abstained} onChange={(on) => set({ on_abstained: on })}>
          {words.abstained}
        </Check>
        <Check on={rule.on_disagreement} onChange={(on) => set({ on_disagreement: on })}>
          {words.disagreement}
        </Check>
        <Check on={rule.blinded} onChange={(on) => set({ blinded: on })}>
          {words.blinded}
        </Check>
      </Checks>
    </AddForm>
  );
}

type WhatProps = { rule: NewRule; set: (change: Partial<NewRule>) => void };

/** What the rule is called, and which readings it is about. */
function What({ rule, set }: WhatProps): ReactElement {
  const pipelines = usePipelines();
  const words = t.rules;
  return (
    <>
      <NameField label={words.name} name={rule.name} longest={LONGEST_NAME} onChange={(name) => set({ name })} />
      <Field label={words.pipeline}>
        <PipelineSelect
          pipelines={pipelines}
          any={words.anyPipeline}
          value={rule.pipeline ?? ""}
          onChange={(pipeline) => set({ pipeline: pipeline === "" ? null : pipeline })}
        />
      </Field>
      <Field label={words.share}>
        <input
          className="input"
          type="number"
          min={0}
          max={PERCENT}
          step="any"
          value={Math.round(rule.share * PERCENT * PERCENT) / PERCENT}
          onChange={(event) => set({ share: Number(event.target.value) / PERCENT })}
        />
      </Field>
    </>
  );
}
