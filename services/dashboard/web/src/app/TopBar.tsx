/** The bar on top: pages, live connection, and the menu of who is logged in. */
import { useState, type ReactElement } from "react";
import { Link, useLocation } from "wouter";

import { useConnection, type Connection as ConnectionState } from "../api/events";
import type { Me } from "../api/types";
import { Badge, type Tone } from "../design/parts";
import { KeysDialog } from "../keys/KeysDialog";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { AccountMenu } from "./AccountMenu";

/** Address, name, and how the addresses begin that belong to the page. */
const PAGES = [
  ["/", t.nav.worklist, "/studies"],
  ["/batches", t.nav.batches, "/batches"],
  ["/models", t.nav.models, "/models"],
  ["/operations", t.nav.operations, "/operations"],
] as const;

const CONNECTION_TONES: Record<ConnectionState, Tone> = { connecting: "muted", live: "routine", polling: "urgent" };

export function TopBar({ me }: { me: Me }): ReactElement {
  const [place] = useLocation();
  const [keysShown, showKeys] = useState(false);
  useShortcuts([{ keys: KEYS.everywhere.help, run: () => showKeys(true) }]);

  return (
    <header className="bar">
      <Link href="/" className="brand">
        <img src="/favicon.svg" alt="" width="24" height="24" />
        {t.product}
      </Link>
      <nav aria-label={t.nav.label}>
        {PAGES.map(([path, name, below]) => (
          <Link key={path} href={path} aria-current={currentOf(place, path, below)}>
            {name}
          </Link>
        ))}
      </nav>
      <div className="bar-end">
        <Connection />
        <AccountMenu me={me} showKeys={() => showKeys(true)} />
      </div>
      {keysShown ? <KeysDialog onClose={() => showKeys(false)} /> : null}
    </header>
  );
}

function currentOf(place: string, path: string, below: string): "page" | "true" | undefined {
  if (place === path) return "page";
  return place.startsWith(`${below}/`) ? "true" : undefined;
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
