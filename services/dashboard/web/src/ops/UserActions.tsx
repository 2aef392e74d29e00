/** What an administrator does to a user: lock out, let in again, a new password. */
import { useId, useState, type ReactElement } from "react";

import { useChangeUser, type User } from "../api/ops";
import { Confirm, NotDone } from "../design/Confirm";
import { Button, Dialog, Field } from "../design/parts";
import { t } from "../text/messages";
import { SHORTEST_PASSWORD } from "./AddUser";

export function UserActions({ user, own }: { user: User; own: boolean }): ReactElement {
  const [asked, ask] = useState<"lock" | "password" | null>(null);
  const change = useChangeUser();
  const words = t.ops.users;
  const close = (): void => ask(null);
  return (
    <div className="row">
      <Button small aria-label={words.passwordOf(user.name)} onClick={() => ask("password")}>
        {words.password}
      </Button>
      {user.disabled_at !== null ? (
        <Button
          small
          disabled={change.isPending}
          aria-label={words.enableOf(user.name)}
          onClick={() => change.mutate({ id: user.id, disabled: false })}
        >
          {words.enable}
        </Button>
      ) : own ? null : (
        <Button small aria-label={words.disableOf(user.name)} onClick={() => ask("lock")}>
          {words.disable}
        </Button>
      )}
      {asked === "password" ? <NewPassword user={user} onClose={close} /> : null}
      {asked === "lock" ? (
        <Confirm
          title={words.sure(user.name)}
          yes={words.yes}
          busy={change.isPending}
          error={change.error}
          onClose={close}
          onYes={() => change.mutate({ id: user.id, disabled: true }, { onSuccess: close })}
        >
          <p>{words.sureWhy}</p>
        </Confirm>
      ) : null}
    </div>
  );
}

function NewPassword({ user, onClose }: { user: User; onClose: () => void }): ReactElement {
  const [password, setPassword] = useState("");
  const change = useChangeUser();
  const heading = useId();
  const words = t.ops.users;
  return (
    <Dialog labelledBy={heading} onClose={onClose}>
      <h1 id={heading}>{words.passwordOf(user.name)}</h1>
      <p>{words.passwordWhy(SHORTEST_PASSWORD)}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate({ id: user.id, password }, { onSuccess: onClose });
        }}
      >
        <Field label={words.first}>
          <input
            className="input"
            type="password"
            autoComplete="new-password"
            data-first
            required
            minLength={SHORTEST_PASSWORD}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </Field>
        <NotDone error={change.error} />
        <div className="row dialog-end">
          <Button onClick={onClose}>{t.ops.cancel}</Button>
          <Button type="submit" kind="primary" disabled={change.isPending}>
            {words.setPassword}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
