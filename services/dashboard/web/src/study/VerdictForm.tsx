/** The reader's word: accept, edit or reject, and why. What is typed stays until it is saved, whatever the server says. */
import { useRef, useState, type ReactElement } from "react";

import { ApiError } from "../api/client";
import { useReview } from "../api/queries";
import type { Me, Reason, Result, Review, ReviewAction, Verdict } from "../api/types";
import { Button, Field, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { dateTime, sentence } from "../text/format";
import { t } from "../text/messages";
import { GradeFields } from "./GradeFields";
import { dropUnsaved, keepUnsaved, placeOf, unsaved } from "./unsaved";
import {
  BLANK,
  keptDraft,
  machineGrades,
  missing,
  reasonsFor,
  signingAction,
  standingReview,
  toReview,
  type Draft,
} from "./verdict";

type Props = {
  me: Me;
  result: Result;
  reviews: readonly Review[];
  reasons: readonly Reason[];
  goOn: (() => void) | null;
};

const VERDICTS: readonly Verdict[] = ["accept", "edit", "reject"];

export function VerdictForm({ me, result, reviews, reasons, goOn }: Props): ReactElement {
  const newest = reviews.at(-1) ?? null;
  const place = placeOf(me.user_id, result.study_id, result.pipeline);
  const [draft, setDraft] = useState<Draft>(() => unsaved(place) ?? keptDraft(reviews, me.user_id));
  // A word is written on top of what its writer has read, not on top of what arrived in the meantime.
  const [seen, setSeen] = useState(newest?.id ?? null);
  const [saved, setSaved] = useState<ReviewAction | null>(null);
  const send = useReview(result.study_id, result.id);
  const form = useRef<HTMLFormElement>(null);
  const unread = newest !== null && newest.id !== seen && newest.user.id !== me.user_id ? newest : null;
  const lacking = missing(draft, result);
  const action = signingAction(result, reviews, me.user_id);
  const suited = reasonsFor(reasons, draft.verdict);

  const change = (part: Partial<Draft>): void => {
    setSaved(null);
    setDraft({ ...draft, ...part });
    keepUnsaved(place, { ...draft, ...part });
  };
  const choose = (verdict: Verdict): void => {
    const fits = reasonsFor(reasons, verdict).some((reason) => reason.code === draft.reason);
    const grades = Object.keys(draft.grades).length > 0 ? draft.grades : machineGrades(result);
    change({ verdict, reason: fits ? draft.reason : "", grades });
    queueMicrotask(() => focusOn(verdict));
  };
  const focusOn = (verdict: Verdict): void => {
    const first = { accept: "[data-sign]", edit: "fieldset input:checked", reject: "select" }[verdict];
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>(first)?.focus());
  };
  const write = (as: ReviewAction): void => {
    if (send.isPending || unread !== null || (as !== "draft" && lacking !== null)) return;
    send.mutate(toReview(draft, as, result, seen), {
      onSuccess: (review) => {
        setSeen(review.id);
        setSaved(as);
        dropUnsaved(place);
        if (as !== "draft") setDraft(BLANK);
      },
    });
  };
  useShortcuts([
    { keys: KEYS.verdict.accept, run: () => choose("accept") },
    { keys: KEYS.verdict.edit, run: () => choose("edit") },
    { keys: KEYS.verdict.reject, run: () => choose("reject") },
    { keys: KEYS.verdict.comment, run: () => form.current?.querySelector("textarea")?.focus() },
    { keys: KEYS.verdict.sign, run: () => write(action) },
  ]);

  const standing = standingReview(reviews);
  return (
    <form
      ref={form}
      className="panel verdict"
      aria-labelledby="verdict-title"
      onSubmit={(event) => {
        event.preventDefault();
        write(action);
      }}
    >
      <div className="row row-apart">
        <h2 id="verdict-title">{t.review.title}</h2>
        {standing ? <span className="tone-routine small">{t.review.standing(standing.user.name)}</span> : null}
      </div>
      <div className="verdicts" role="group" aria-labelledby="verdict-title">
        {VERDICTS.map((verdict) => (
          <Button key={verdict} aria-pressed={draft.verdict === verdict} onClick={() => choose(verdict)}>
            {t.review.verdicts[verdict]} <Key>{KEYS.verdict[verdict][0]}</Key>
          </Button>
        ))}
      </div>
      {draft.verdict === "edit" ? (
        <GradeFields result={result} grades={draft.grades} change={(grades) => change({ grades })} />
      ) : null}
      {suited.length > 0 ? (
        <Field label={draft.verdict === "reject" ? t.review.reasonNeeded : t.review.reason}>
          <select className="input" value={draft.reason} onChange={(event) => change({ reason: event.target.value })}>
            <option value="">{t.review.noReason}</option>
            {suited.map((reason) => (
              <option key={reason.code} value={reason.code}>
                {reason.sentence}
              </option>
            ))}
          </select>
        </Field>
      ) : null}
      {draft.verdict !== null || draft.comment !== "" ? (
        <Field label={t.review.comment}>
          <textarea
            className="input"
            rows={2}
            maxLength={10_000}
            value={draft.comment}
            onChange={(event) => change({ comment: event.target.value })}
          />
        </Field>
      ) : null}
      {unread ? <Conflict newest={unread} read={() => setSeen(unread.id)} /> : null}
      {send.isError && unread === null ? <NotSaved error={send.error} /> : null}
      {saved ? (
        <Notice tone="routine" title={t.review.saved[saved]}>
          {goOn && saved !== "draft" ? (
            <Button small onClick={goOn}>
              {t.review.next} <Key>n</Key>
            </Button>
          ) : null}
        </Notice>
      ) : null}
      {draft.verdict !== null ? (
        <div className="row row-apart">
          <span className="tone-muted small">{lacking ?? t.review.will[action]}</span>
          <div className="row">
            <Button onClick={() => write("draft")} disabled={send.isPending || unread !== null}>
              {t.review.keepDraft}
            </Button>
            <Button data-sign type="submit" kind="primary" disabled={send.isPending || lacking !== null || unread !== null}>
              {t.review.actions[action]} <Key>{t.keys.name("Control+Enter")}</Key>
            </Button>
          </div>
        </div>
      ) : null}
    </form>
  );
}

/** Somebody wrote in the meantime: nothing is overwritten and nothing typed is lost. */
function Conflict({ newest, read }: { newest: Review; read: () => void }): ReactElement {
  const verdict = newest.verdict === null ? "" : ` (${t.verdict[newest.verdict]})`;
  return (
    <Notice tone="urgent" title={t.review.conflict}>
      <p>{t.review.conflictWho(newest.user.name, `${t.history.actions[newest.action]}${verdict}`, dateTime(newest.created_at))}</p>
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
