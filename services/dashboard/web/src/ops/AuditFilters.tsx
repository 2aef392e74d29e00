/** The search of the audit: person, action, study, days. */
import type { ReactElement } from "react";

import { useAllKeys, useAllUsers } from "../api/ops";
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
        <select className="input" value={asked.action} onChange={(event) => set({ action: event.target.value })}>
          <option value="">{words.any}</option>
          {actions.map((action) => (
            <option key={action} value={action}>
              {action}
            </option>
          ))}
        </select>
      </Field>
      <Field label={words.study}>
        <input className="input" value={asked.study} onChange={(event) => set({ study: event.target.value })} />
      </Field>
      <Field label={words.first}>
        <input
          className="input"
          type="date"
          value={asked.first}
          onChange={(event) => set({ first: event.target.value })}
        />
      </Field>
      <Field label={words.last}>
        <input
          className="input"
          type="date"
          value={asked.last}
          onChange={(event) => set({ last: event.target.value })}
        />
      </Field>
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
