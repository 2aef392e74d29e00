/** A reading rule to be written down; it asks at every first signature from then on. */
import { useState, type ReactElement, type ReactNode } from "react";

import { usePipelines } from "../api/queries";
import { useAddRule, type NewRule } from "../api/rules";
import type { Urgency } from "../api/types";
import { NotDone } from "../design/Confirm";
import { Button, Field } from "../design/parts";
import { nameOfPipeline } from "../study/questions";
import { t } from "../text/messages";

const URGENCIES = ["stat", "urgent", "check", "routine"] as const satisfies readonly Urgency[];
const PERCENT = 100;
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
    <section className="panel">
      <h2>{words.add}</h2>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate(rule, { onSuccess: () => setRule(FRESH) });
        }}
      >
        <What rule={rule} set={set} />
        <fieldset className="choices">
          <legend className="field-label">{words.urgencies}</legend>
          {URGENCIES.map((urgency) => (
            <Check key={urgency} on={rule.urgencies.includes(urgency)} set={(on) => toggle(urgency, on)}>
              {t.urgency[urgency]}
            </Check>
          ))}
        </fieldset>
        <fieldset className="choices">
          <legend className="field-label">{words.when}</legend>
          <Check on={rule.on_abstained} set={(on) => set({ on_abstained: on })}>
            {words.abstained}
          </Check>
          <Check on={rule.on_disagreement} set={(on) => set({ on_disagreement: on })}>
            {words.disagreement}
          </Check>
          <Check on={rule.blinded} set={(on) => set({ blinded: on })}>
            {words.blinded}
          </Check>
        </fieldset>
        <Button type="submit" kind="primary" disabled={add.isPending || !asks || rule.name.trim() === ""}>
          {add.isPending ? words.adding : words.add}
        </Button>
      </form>
      {asks ? null : <p className="tone-muted small">{words.lacking}</p>}
      <NotDone error={add.error} />
    </section>
  );
}

type WhatProps = { rule: NewRule; set: (change: Partial<NewRule>) => void };

/** What the rule is called, and which readings it is about. */
function What({ rule, set }: WhatProps): ReactElement {
  const pipelines = usePipelines();
  const words = t.rules;
  return (
    <>
      <Field label={words.name}>
        <input
          className="input"
          required
          maxLength={1024}
          value={rule.name}
          onChange={(event) => set({ name: event.target.value })}
        />
      </Field>
      <Field label={words.pipeline}>
        <select
          className="input"
          value={rule.pipeline ?? ""}
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

type CheckProps = { on: boolean; set: (on: boolean) => void; children: ReactNode };

function Check({ on, set, children }: CheckProps): ReactElement {
  return (
    <label className="choice">
      <input type="checkbox" checked={on} onChange={(event) => set(event.target.checked)} />
      {children}
    </label>
  );
}
