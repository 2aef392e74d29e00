/** Choosing: one of a list, one of the pipelines, or yes and no. */
import type { ComponentProps, KeyboardEvent, ReactElement, ReactNode } from "react";

import { keysEnabled, STEADY } from "../keys/keys";
import { nameOfPipeline } from "../study/questions";

export type Choice = readonly [value: string, name: string];

type SelectProps = {
  value: string;
  choices: readonly Choice[];
  /** What stands for no choice, which is the empty string; without it something is always chosen. */
  any?: string;
  onChange: (value: string) => void;
};

export function Select({ value, choices, any, onChange }: SelectProps): ReactElement {
  return (
    <select className="input" value={value} onChange={(event) => onChange(event.target.value)}>
      {any === undefined ? null : <option value="">{any}</option>}
      {choices.map(([one, name]) => (
        <option key={one} value={one}>
          {name}
        </option>
      ))}
    </select>
  );
}

type SteadyProps = Omit<ComponentProps<"select">, "onKeyDown" | "onKeyPress"> & {
  /** Enter goes on from here, and never sends the form. */
  onEnter?: () => void;
};

/**
 * A list that only arrows choose from: where single letters are commands, one that is meant as such would otherwise
 * choose what begins with it, and nobody would notice.
 */
export function SteadySelect({ onEnter, className = "input", ...rest }: SteadyProps): ReactElement {
  const goOn = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    onEnter?.();
  };
  // Browsers look for what begins with a letter as it is typed, after the commands have heard of the key.
  const stay = (event: KeyboardEvent): void => {
    if (keysEnabled() && event.key.length === 1 && event.key !== " ") event.preventDefault();
  };
  return <select {...{ [STEADY]: "" }} className={className} onKeyDown={goOn} onKeyPress={stay} {...rest} />;
}

type PipelineProps = Omit<SelectProps, "choices"> & { pipelines: readonly string[] };

export function PipelineSelect({ pipelines, ...rest }: PipelineProps): ReactElement {
  return <Select choices={pipelines.map((name) => [name, nameOfPipeline(name)])} {...rest} />;
}

/** Several boxes under one name. */
export function Checks({ legend, children }: { legend: string; children: ReactNode }): ReactElement {
  return (
    <fieldset className="choices">
      <legend className="field-label">{legend}</legend>
      {children}
    </fieldset>
  );
}

type CheckProps = { on: boolean; onChange: (on: boolean) => void; children: ReactNode };

export function Check({ on, onChange, children }: CheckProps): ReactElement {
  return (
    <label className="choice">
      <input type="checkbox" checked={on} onChange={(event) => onChange(event.target.checked)} />
      {children}
    </label>
  );
}
