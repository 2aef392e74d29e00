/** What became of the reader's word: saved, not saved, or held back because somebody else wrote in the meantime. */
import type { ReactElement } from "react";

import { ApiError } from "../api/client";
import type { Review } from "../api/types";
import { Button, Key, Notice } from "../design/parts";
import { dateTime, sentence } from "../text/format";
import { t } from "../text/messages";
import type { Word } from "./useWord";

/** Where to go from a signed reading: the words on the button, its key, and the way. */
export type GoOn = { text: string; key: string; go: () => void };

export function Outcome({ word, goOn }: { word: Word; goOn: GoOn | null }): ReactElement {
  if (word.unread !== null) return <Conflict newest={word.unread} read={word.readIt} />;
  if (word.error !== null) return <NotSaved error={word.error} />;
  if (word.saved === null) return <></>;
  return (
    <Notice tone="routine" title={t.review.saved[word.saved]}>
      {goOn !== null && word.saved !== "draft" ? (
        <Button small onClick={goOn.go}>
          {goOn.text} <Key>{goOn.key}</Key>
        </Button>
      ) : null}
    </Notice>
  );
}

/** Nothing is overwritten and nothing typed is lost. */
function Conflict({ newest, read }: { newest: Review; read: () => void }): ReactElement {
  const verdict = newest.verdict === null ? "" : ` (${t.verdict[newest.verdict]})`;
  const what = `${t.history.actions[newest.action]}${verdict}`;
  return (
    <Notice tone="urgent" title={t.review.conflict}>
      <p>{t.review.conflictWho(newest.user.name, what, dateTime(newest.created_at))}</p>
      {newest.comment ? <blockquote>{newest.comment}</blockquote> : null}
      <p>{t.review.conflictWhat}</p>
      <Button small onClick={read}>
        {t.review.conflictRead}
      </Button>
    </Notice>
  );
}

function NotSaved({ error }: { error: Error }): ReactElement {
  const unsure = error instanceof ApiError && error.status === 0;
  return (
    <Notice tone="stat" title={unsure ? t.review.unsure : t.review.notSaved}>
      <p>{sentence(error.message)}</p>
      <p>{unsure ? t.review.unsureWhat : t.review.notSavedWhat}</p>
    </Notice>
  );
}
