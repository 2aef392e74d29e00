/** The reader's word: accept, edit or reject, and why. What is typed stays until it is saved, whatever the server says. */
import { useLayoutEffect, useRef, useState, type ReactElement } from "react";

import type { Me, Reason, Result, Review, Slot, Verdict } from "../api/types";
import { SteadySelect } from "../design/Choices";
import { Button, Field, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { AnswerLine } from "./AnswerLine";
import { fieldsOf } from "./edits";
import { EditFields } from "./EditFields";
import { firstValue } from "./firstValue";
import { setGoesOn, useGoesOn } from "./goingOn";
import { Outcome, type GoOn } from "./Outcome";
import { useWord, type Word, type Written } from "./useWord";
import { machineAnswers, reasonsFor, standingReview } from "./verdict";

type Props = {
  me: Me;
  result: Result;
  reviews: readonly Review[];
  slot: Slot | null;
  seenResults: ReadonlySet<string>;
  reasons: readonly Reason[];
  goOn: GoOn | null;
  signed: (written: Written) => void;
};

const VERDICTS: readonly Verdict[] = ["accept", "edit", "reject"];
/** Where the reader goes on after choosing an answer that has no values. */
const FIRST: Record<Exclude<Verdict, "edit">, string> = { accept: "[data-sign]", reject: "select" };

export function VerdictForm({ reasons, goOn, ...written }: Props): ReactElement {
  const { result, reviews } = written;
  const word = useWord(written);
  const { draft } = word;
  // An object, so that choosing the same verdict again moves the focus again.
  const [turn, setTurn] = useState<{ to: Verdict } | null>(null);
  const form = useRef<HTMLFormElement>(null);
  const open = (verdict: Verdict): boolean => verdict !== "edit" || fieldsOf(result).length > 0;
  const choose = (verdict: Verdict): void => {
    if (!open(verdict)) return;
    const fits = reasonsFor(reasons, verdict, result.pipeline).some((reason) => reason.code === draft.reason);
    const answers = Object.keys(draft.answers).length > 0 ? draft.answers : machineAnswers(result);
    word.change({ verdict, reason: fits ? draft.reason : "", answers });
    setTurn({ to: verdict });
  };
  // In the commit of the choice itself: any later and the focus would be taken from what the reader types next.
  useLayoutEffect(() => {
    if (turn !== null && form.current !== null) firstOf(form.current, turn.to)?.focus();
  }, [turn]);
  const comment = (): void => form.current?.querySelector("textarea")?.focus();
  useShortcuts([
    { keys: KEYS.verdict.accept, run: () => choose("accept") },
    { keys: KEYS.verdict.edit, run: () => choose("edit") },
    { keys: KEYS.verdict.reject, run: () => choose("reject") },
    { keys: KEYS.verdict.comment, run: comment },
    { keys: KEYS.verdict.sign, run: () => word.write(word.action) },
  ]);

  return (
    <form
      ref={form}
      className="panel verdict"
      aria-labelledby="verdict-title"
      onSubmit={(event) => {
        event.preventDefault();
        word.write(word.action);
      }}
    >
      <Head reviews={reviews} />
      <AnswerLine result={result} />
      <div className="verdicts" role="group" aria-labelledby="verdict-title">
        {VERDICTS.map((verdict) => (
          <Button
            key={verdict}
            aria-pressed={draft.verdict === verdict}
            disabled={!open(verdict)}
            title={open(verdict) ? undefined : t.review.nothingToEdit}
            onClick={() => choose(verdict)}
          >
            {t.review.verdicts[verdict]} <Key>{KEYS.verdict[verdict][0]}</Key>
          </Button>
        ))}
      </div>
      {draft.verdict === "edit" ? (
        <EditFields result={result} answers={draft.answers} change={(answers) => word.change({ answers })} />
      ) : null}
      <Why word={word} reasons={reasonsFor(reasons, draft.verdict, result.pipeline)} comment={comment} />
      <Outcome word={word} goOn={goOn} />
      {draft.verdict === null ? null : <Ending word={word} />}
    </form>
  );
}

function firstOf(form: HTMLFormElement, verdict: Verdict): HTMLElement | null {
  return verdict === "edit" ? firstValue(form) : form.querySelector<HTMLElement>(FIRST[verdict]);
}

function Head({ reviews }: { reviews: readonly Review[] }): ReactElement {
  const standing = standingReview(reviews);
  return (
    <div className="row row-apart">
      <h2 id="verdict-title">{t.review.title}</h2>
      {standing ? <span className="tone-routine small">{t.review.standing(standing.user.name)}</span> : null}
    </div>
  );
}

type WhyProps = { word: Word; reasons: readonly Reason[]; comment: () => void };

/** The coded reason, where the verdict has any, and the comment. */
function Why({ word, reasons, comment }: WhyProps): ReactElement {
  const { draft, change } = word;
  return (
    <>
      {reasons.length > 0 ? (
        <Field label={draft.verdict === "reject" ? t.review.reasonNeeded : t.review.reason}>
          <SteadySelect
            value={draft.reason}
            onChange={(event) => change({ reason: event.target.value })}
            onEnter={comment}
          >
            <option value="">{t.review.noReason}</option>
            {reasons.map((reason) => (
              <option key={reason.code} value={reason.code}>
                {reason.sentence}
              </option>
            ))}
          </SteadySelect>
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
    </>
  );
}

/** What is missing or what signing will do, and the buttons that do it. */
function Ending({ word }: { word: Word }): ReactElement {
  const held = word.busy || word.unread !== null;
  const { action } = word;
  if (action === null) return <p className="tone-muted small">{t.second.both}</p>;
  return (
    <>
      <div className="row row-apart">
        <span className="tone-muted small">{word.lacking ?? t.review.will[action]}</span>
        <div className="row">
          <Button onClick={() => word.write("draft")} disabled={held}>
            {t.review.keepDraft}
          </Button>
          <Button data-sign type="submit" kind="primary" disabled={held || word.lacking !== null} aria-busy={word.busy}>
            {word.busy ? t.signed.sending : t.review.actions[action]} <Key>{t.keys.name("Control+Enter")}</Key>
          </Button>
        </div>
      </div>
      <GoesOn />
    </>
  );
}

function GoesOn(): ReactElement {
  const goes = useGoesOn();
  return (
    <label className="row small goes-on">
      <input type="checkbox" checked={goes} onChange={(event) => setGoesOn(event.target.checked)} />
      {t.signed.goOn}
    </label>
  );
}
