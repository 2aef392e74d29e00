/** The search of the audit: person, action, study, days. */
import type { ReactElement } from "react";

import { useAllKeys, useAllUsers } from "../api/ops";
import { Select } from "../design/Choices";
import { Button, Field } from "../design/parts";
import { t } from "../text/messages";
import { NOTHING_ASKED, type AuditAsked } from "./auditSearch";

type Props = { asked: AuditAsked; ask: (asked: AuditAsked) => void; actions: readonly string[] };

export function AuditFilters({ asked, ask, actions }: Props): ReactElement {
  const words = t.ops.audit;
  const set = (change: Partial<AuditAsked>): void => ask({ ...asked, ...change });
  return (
    <div className="form" role="search" aria-label={words.filters}>
      <Field label={words.actor}>
        <select className="input" value={asked.by} onChange={(event) => set({ by: event.target.value })}>
          <option value="">{words.any}</option>
          <option value="system">{words.system}</option>
          <People />
        </select>
      </Field>
      <Field label={words.action}>
        <Select
          value={asked.action}
          any={words.any}
          choices={actions.map((action) => [action, action])}
          onChange={(action) => set({ action })}
        />
      </Field>
      <Field label={words.study}>
        <input className="input" value={asked.study} onChange={(event) => set({ study: event.target.value })} />
      </Field>
      {(["first", "last"] as const).map((end) => (
        <Field key={end} label={words[end]}>
          <input
            className="input"
            type="date"
            value={asked[end]}
            onChange={(event) => set({ [end]: event.target.value })}
          />
        </Field>
      ))}
      <Button onClick={() => ask(NOTHING_ASKED)}>{words.clear}</Button>
    </div>
  );
}

function People(): ReactElement {
  const users = useAllUsers();
  const keys = useAllKeys();
  return (
    <>
      <optgroup label={t.ops.audit.users}>
        {(users.data ?? []).map((user) => (
          <option key={user.id} value={`user:${user.id}`}>
            {user.name}
          </option>
        ))}
      </optgroup>
      <optgroup label={t.ops.audit.keys}>
        {(keys.data ?? []).map((key) => (
          <option key={key.id} value={`key:${key.id}`}>
            {key.name}
          </option>
        ))}
      </optgroup>
    </>
  );
}
