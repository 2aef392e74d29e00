/** The switch of blind-first reading, in plain words. */
import type { ReactElement } from "react";

import { useBlindFirst } from "../api/blind";
import type { Me } from "../api/types";
import { Notice } from "../design/parts";
import { sentence } from "../text/format";
import { t } from "../text/messages";

export function BlindFirst({ me }: { me: Me }): ReactElement {
  const change = useBlindFirst();
  return (
    <section className="panel" aria-labelledby="blind-first-title">
      <h2 id="blind-first-title">{me.blind_first ? t.blind.on : t.blind.off}</h2>
      <label className="row blind-check">
        <input
          type="checkbox"
          checked={me.blind_first}
          disabled={change.isPending || me.user_id === null}
          onChange={(event) => change.mutate(event.target.checked)}
        />
        {t.blind.toggle}
      </label>
      <p className="tone-muted">{t.blind.toggleWhat}</p>
      <p className="tone-muted">{t.blind.toggleOnce}</p>
      {change.isError ? (
        <Notice tone="stat" title={t.blind.toggleFailed}>
          <p>{sentence(change.error.message)}</p>
        </Notice>
      ) : null}
    </section>
  );
}
