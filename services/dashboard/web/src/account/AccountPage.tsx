/** The reader's own page: who is logged in, the theme and the keys; the ways of reading hang in here. */
import type { ReactElement } from "react";

import type { Me } from "../api/types";
import { ThemeButton } from "../app/ThemeButton";
import { Agreements } from "../blind/Agreements";
import { BlindFirst } from "../blind/BlindFirst";
import { Facts } from "../design/parts";
import { setKeysEnabled, useKeysEnabled } from "../keys/keys";
import { t } from "../text/messages";

export default function AccountPage({ me }: { me: Me }): ReactElement {
  const keysOn = useKeysEnabled();
  return (
    <section className="page">
      <div className="page-head">
        <div>
          <h1>{t.account.title}</h1>
          <p>{t.account.summary}</p>
        </div>
      </div>
      <div className="page-body">
        <section className="panel">
          <Facts
            rows={[
              [t.account.name, me.name],
              [t.account.role, t.roles[me.role]],
              [t.account.theme, <ThemeButton key="theme" />],
            ]}
          />
          <label className="row">
            <input type="checkbox" checked={keysOn} onChange={(event) => setKeysEnabled(event.target.checked)} />
            {t.keys.enabled}
          </label>
          <p className="tone-muted">{t.keys.enabledWhy}</p>
        </section>
        <BlindFirst me={me} />
        <Agreements me={me} />
      </div>
    </section>
  );
}
