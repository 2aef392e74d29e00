/** What was signed last, and how long it can still be taken back; it stays while the reader goes on. */
import { useEffect, useState, type ReactElement } from "react";
import { Link, useLocation } from "wouter";

import { useUndo } from "../api/reviews";
import { Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { offerWord } from "./offers";
import { leftUntil, sayNothing, useSigned, type Signed } from "./signed";

const SECOND_MS = 1000;

export function SignedToast(): ReactElement {
  const signed = useSigned();
  return signed === null ? <></> : <Toast key={signed.review.id} signed={signed} />;
}

function Toast({ signed }: { signed: Signed }): ReactElement {
  const undo = useUndo();
  const [, goTo] = useLocation();
  const { review, studyId, patient, what, place, draft } = signed;
  const takeBack = (): void => {
    if (undo.isPending) return;
    undo.mutate(
      { review, studyId },
      {
        onSuccess: () => {
          // What was signed stands in the form again: a slip is mended, not typed anew.
          offerWord(place, draft);
          sayNothing();
          goTo(`/studies/${studyId}`);
        },
      },
    );
  };
  useShortcuts([{ keys: KEYS.verdict.undo, run: takeBack }]);
  const verdict = review.verdict === null ? t.history.actions[review.action] : t.verdict[review.verdict];
  return (
    <aside className="toast" aria-label={t.signed.region}>
      <Link href={`/studies/${studyId}`} role="status">
        {t.signed.of(verdict, patient, what)}
      </Link>
      <Button small disabled={undo.isPending} onClick={takeBack}>
        {undo.isPending ? t.signed.undoing : t.signed.undo} <Key>{KEYS.verdict.undo[0]}</Key>
      </Button>
      <Left endsAt={signed.endsAt} />
      <Button small kind="quiet" aria-label={t.signed.dismiss} onClick={sayNothing}>
        ×
      </Button>
      {undo.isError ? (
        <p role="alert" className="tone-stat">
          {sentence(undo.error.message)}
        </p>
      ) : null}
    </aside>
  );
}

/** The time that is left, and nothing said aloud of each second. */
function Left({ endsAt }: { endsAt: number }): ReactElement {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
      if (Date.now() >= endsAt) sayNothing();
    }, SECOND_MS);
    return () => clearInterval(timer);
  }, [endsAt]);
  return (
    <span className="tone-muted small toast-left" role="timer" aria-live="off" title={t.signed.leftWhat}>
      {t.signed.left(...leftUntil(endsAt, now))}
    </span>
  );
}
