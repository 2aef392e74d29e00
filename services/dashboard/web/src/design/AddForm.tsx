/** The frame of a form that adds one thing to the list below: its name, fields and button, and why it was refused. */
import type { ReactElement, ReactNode } from "react";

import { NotDone } from "./Confirm";
import { Button, Field } from "./parts";

type Props = {
  title: string;
  submit: string;
  onAdd: () => void;
  /** Of the request: whether it is on its way, and why the last one was refused. */
  adding: { isPending: boolean; error: Error | null };
  /** Whether what was filled in amounts to something that can be added. */
  ready?: boolean;
  hint?: ReactNode;
  children: ReactNode;
};

export function AddForm({ title, submit, onAdd, adding, ready = true, hint, children }: Props): ReactElement {
  return (
    <section className="panel">
      <h2>{title}</h2>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          onAdd();
        }}
      >
        {children}
        <Button type="submit" kind="primary" disabled={adding.isPending || !ready}>
          {submit}
        </Button>
      </form>
      {hint === undefined ? null : <p className="tone-muted">{hint}</p>}
      <NotDone error={adding.error} />
    </section>
  );
}

/** As the server has it of users, keys and policies (services/api). */
const LONGEST_NAME = 64;

type NameProps = { label: string; name: string; longest?: number; onChange: (name: string) => void };

/** What the new thing is to be called; a browser offers no name of its own. */
export function NameField({ label, name, longest = LONGEST_NAME, onChange }: NameProps): ReactElement {
  return (
    <Field label={label}>
      <input
        className="input"
        autoComplete="off"
        required
        maxLength={longest}
        value={name}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}
