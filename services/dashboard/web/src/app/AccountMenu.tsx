/** Who is logged in, and what belongs to that person alone: account, theme, keys, logging out. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { useLogOut } from "../api/queries";
import type { Me } from "../api/types";
import { Menu } from "../design/Menu";
import { Button, Key } from "../design/parts";
import { t } from "../text/messages";
import { ThemeButton } from "./ThemeButton";

export function AccountMenu({ me, showKeys }: { me: Me; showKeys: () => void }): ReactElement {
  const logOut = useLogOut();
  return (
    <Menu
      label={t.nav.menu(me.name, t.roles[me.role])}
      name={
        <>
          <span className="who">{me.name}</span> <span className="tone-muted">{t.roles[me.role]}</span>
        </>
      }
    >
      {(close) => (
        <>
          <Link href="/account" className="button button-quiet button-small" onClick={close}>
            {t.nav.account}
          </Link>
          <ThemeButton kind="quiet" />
          <Button
            kind="quiet"
            small
            onClick={() => {
              close();
              showKeys();
            }}
          >
            {t.nav.keys} <Key>?</Key>
          </Button>
          <Button small onClick={() => logOut.mutate()} disabled={logOut.isPending}>
            {t.nav.logOut}
          </Button>
        </>
      )}
    </Menu>
  );
}
