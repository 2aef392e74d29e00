/** The help that `?` opens: every key of the dashboard, and the switch for single-key shortcuts. */
import { useId, type ReactElement } from "react";

import { Button, Dialog, Key } from "../design/parts";
import { t } from "../text/messages";
import { KEYS } from "./bindings";
import { setKeysEnabled, useKeysEnabled } from "./keys";

export function KeysDialog({ onClose }: { onClose: () => void }): ReactElement {
  const title = useId();
  const enabled = useKeysEnabled();
  return (
    <Dialog labelledBy={title} onClose={onClose}>
      <div className="row keys-head">
        <h1 id={title}>{t.keys.title}</h1>
        <Button kind="primary" data-first onClick={onClose}>
          {t.close}
        </Button>
      </div>
      <div className="keys-columns">
        {Object.entries(KEYS).map(([group, bindings]) => (
          <section key={group}>
            <h2>{t.keys.groups[group as keyof typeof KEYS]}</h2>
            <dl className="keys-list">
              {Object.entries(bindings as Record<string, readonly string[]>).map(([name, presses]) => (
                <div key={name}>
                  <dt>
                    {presses.map((press) => (
                      <Key key={press}>{t.keys.name(press)}</Key>
                    ))}
                  </dt>
                  <dd>{t.keys.does[name as keyof typeof t.keys.does]}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label className="row">
        <input type="checkbox" checked={enabled} onChange={(event) => setKeysEnabled(event.target.checked)} />
        {t.keys.enabled}
      </label>
      <p className="tone-muted">{t.keys.enabledWhy}</p>
    </Dialog>
  );
}
