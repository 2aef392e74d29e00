/** Logging in: as a page, or over a page whose session ended, which then goes on where it was. */
import { useId, useState, type ReactElement } from "react";

import { useLogIn } from "../api/queries";
import type { Me } from "../api/types";
import { Button, Dialog, Field, Notice } from "../design/parts";
import { sentence } from "../text/format";
import { t } from "../text/messages";

export function LoginPage(): ReactElement {
  return (
    <main className="login">
      <div className="login-card">
        <header>
          <img src="/favicon.svg" alt="" width="40" height="40" />
          <h1>{t.login.title}</h1>
          <p>{t.login.subtitle}</p>
        </header>
        <LoginForm before={null} />
      </div>
    </main>
  );
}

export function LoginDialog({ before }: { before: Me }): ReactElement {
  const title = useId();
  return (
    <Dialog labelledBy={title} onClose={null}>
      <div className="login-card-plain">
        <h1 id={title}>{t.login.again}</h1>
        <p>{t.login.againWhy}</p>
        <LoginForm before={before} />
      </div>
    </Dialog>
  );
}

function LoginForm({ before }: { before: Me | null }): ReactElement {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const logIn = useLogIn(before);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        logIn.mutate({ name, password });
      }}
    >
      <Field label={t.login.user}>
        <input
          className="input"
          name="username"
          autoComplete="username"
          autoFocus
          data-first
          required
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </Field>
      <Field label={t.login.password}>
        <input
          className="input"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </Field>
      {logIn.isError ? (
        <Notice tone="stat" title={t.login.failed}>
          <p>{sentence(logIn.error.message)}</p>
        </Notice>
      ) : null}
      <Button type="submit" kind="primary" disabled={logIn.isPending}>
        {logIn.isPending ? t.login.busy : t.login.submit}
      </Button>
    </form>
  );
}
