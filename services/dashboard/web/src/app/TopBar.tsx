/** The bar on top: pages, live connection, theme, keys, and who is logged in. */
import { useState, type ReactElement } from "react";
import { Link, useLocation } from "wouter";

import { useConnection, type Connection as ConnectionState } from "../api/events";
import { useLogOut } from "../api/queries";
import type { Me } from "../api/types";
import { Badge, Button, Key, type Tone } from "../design/parts";
import { KeysDialog } from "../keys/KeysDialog";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { keepTheme, storedTheme, type Theme } from "./theme";

const PAGES = [
  ["/", t.nav.worklist],
  ["/jobs", t.nav.jobs],
  ["/rejections", t.nav.rejections],
  ["/models", t.nav.models],
] as const;

const CONNECTION_TONES: Record<ConnectionState, Tone> = { connecting: "muted", live: "routine", polling: "urgent" };

export function TopBar({ me }: { me: Me }): ReactElement {
  const [place] = useLocation();
  const [keysShown, showKeys] = useState(false);
  const logOut = useLogOut();
  useShortcuts([{ keys: KEYS.everywhere.help, run: () => showKeys(true) }]);

  return (
    <header className="bar">
      <Link href="/" className="brand">
        <img src="/favicon.svg" alt="" width="24" height="24" />
        {t.product}
      </Link>
      <nav aria-label={t.nav.label}>
        {PAGES.map(([path, name]) => (
          <Link key={path} href={path} aria-current={place === path ? "page" : undefined}>
            {name}
          </Link>
        ))}
      </nav>
      <div className="bar-end">
        <Connection />
        <ThemeButton />
        <Button kind="quiet" small onClick={() => showKeys(true)}>
          {t.nav.keys} <Key>?</Key>
        </Button>
        <span className="who">
          {me.name} <span className="tone-muted">{t.roles[me.role]}</span>
        </span>
        <Button small onClick={() => logOut.mutate()} disabled={logOut.isPending}>
          {t.nav.logOut}
        </Button>
      </div>
      {keysShown ? <KeysDialog onClose={() => showKeys(false)} /> : null}
    </header>
  );
}

function Connection(): ReactElement {
  const connection = useConnection();
  return (
    <span role="status" title={t.live[`${connection}Why`]}>
      <Badge icon={connection === "live" ? "live" : "polling"} tone={CONNECTION_TONES[connection]}>
        {t.live[connection]}
      </Badge>
    </span>
  );
}

function ThemeButton(): ReactElement {
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const other = theme === "dark" ? "light" : "dark";
  const change = (): void => {
    keepTheme(other);
    setTheme(other);
  };
  return (
    <Button kind="quiet" small onClick={change}>
      {other === "light" ? t.theme.toLight : t.theme.toDark}
    </Button>
  );
}
