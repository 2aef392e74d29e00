/** Asks for the name under which a view is kept, or is to be known from now on. */
import { useId, useState, type FormEvent, type ReactElement } from "react";

import { useKeepView, useRenameView } from "../api/worklist";
import { Button, Dialog, Field, Notice } from "../design/parts";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import type { WorklistFilters } from "./filters";
import type { View } from "./views";

type Props = { view: View | null; filters: WorklistFilters; onClose: () => void };

export function KeepView({ view, filters, onClose }: Props): ReactElement {
  const title = useId();
  const [name, setName] = useState(view?.name ?? "");
  const keep = useKeepView();
  const rename = useRenameView();
  const { error, isPending } = view === null ? keep : rename;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const done = { onSuccess: onClose };
    if (view === null) keep.mutate({ name, filters }, done);
    else rename.mutate({ id: view.key, name, filters: view.filters }, done);
  };
  return (
    <Dialog labelledBy={title} onClose={onClose}>
      <form onSubmit={submit}>
        <h1 id={title}>{view === null ? t.views.keepTitle : t.views.renameTitle}</h1>
        <p className="tone-muted">{t.views.keepWhy}</p>
        <Field label={t.views.name}>
          <input
            className="input"
            data-first
            required
            maxLength={64}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </Field>
        {error === null ? null : (
          <Notice tone="stat" title={t.views.notKept}>
            <p>{sentence(error.message)}</p>
          </Notice>
        )}
        <div className="row dialog-end">
          <Button onClick={onClose}>{t.views.cancel}</Button>
          <Button type="submit" kind="primary" disabled={isPending}>
            {t.views.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
