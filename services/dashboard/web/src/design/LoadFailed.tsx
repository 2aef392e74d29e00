/** What a page shows where its data did not come: what happened, what it means for the data, and the way on. */
import type { ReactElement } from "react";
import { Link } from "wouter";

import { sentence } from "../text/format";
import { t } from "../text/messages";
import { Button, Notice } from "./parts";

type Props = {
  error: Error;
  again: () => void;
  /** The list that leads to what could not be loaded, where the page around does not show the way there. */
  back?: { to: string; name: string };
};

export function LoadFailed({ error, again, back }: Props): ReactElement {
  return (
    <div className="empty">
      <Notice tone="stat" title={t.errors.loadTitle}>
        <p>{sentence(error.message)}</p>
        <p>{t.errors.loadNothingLost}</p>
      </Notice>
      <div className="row">
        <Button onClick={again}>{t.retryLoad}</Button>
        {back === undefined ? null : (
          <Link href={back.to} className="button">
            {back.name}
          </Link>
        )}
      </div>
    </div>
  );
}

/** Says that a refresh failed while older data stays on screen; nothing where there was no error. */
export function Stale({ error }: { error: Error | null }): ReactElement {
  if (error === null) return <></>;
  return (
    <Notice tone="urgent" title={t.errors.stale}>
      <p>{sentence(error.message)}</p>
    </Notice>
  );
}
