/** What the reader sees, said before the machine's answer is shown. */
import { useEffect, useRef, useState, type ReactElement } from "react";

import { useBlindRead, type Slot } from "../api/blind";
import { ApiError } from "../api/client";
import type { Me } from "../api/types";
import { Button, Field, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { firstValue } from "../study/firstValue";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { AskField } from "./AskField";
import { dropWord, keepWord, keptWord } from "./kept";
import { keyOf, lacking, toWord, type Draft } from "./word";
import "./blind.css";

const MS = 1000;
const LONGEST_COMMENT = 1024;

type Props = { studyId: string; slot: Slot; me: Me };

export function BlindForm({ studyId, slot, me }: Props): ReactElement {
  const [draft, setDraft] = useState<Draft>(() => keptWord(me.user_id, slot.id));
  const began = useRef(0);
  const form = useRef<HTMLFormElement>(null);
  const send = useBlindRead(studyId, slot.id);
  const missing = lacking(slot.asks, draft);
  const unsure = send.error instanceof ApiError && send.error.status === 0;
  useEffect(() => {
    began.current = performance.now();
  }, []);

  const change = (part: Partial<Draft>): void => {
    setDraft({ ...draft, ...part });
    keepWord(me.user_id, slot.id, { ...draft, ...part });
  };
  const say = (): void => {
    if (send.isPending || missing !== null) return;
    send.mutate(toWord(slot.asks, draft, (performance.now() - began.current) / MS), {
      onSuccess: () => dropWord(me.user_id, slot.id),
    });
  };
  useShortcuts([
    { keys: KEYS.blind.values, run: () => form.current && firstValue(form.current)?.focus() },
    { keys: KEYS.blind.comment, run: () => form.current?.querySelector("textarea")?.focus() },
    { keys: KEYS.blind.say, run: say },
    { keys: KEYS.blind.ungradable, run: () => change({ ungradable: !draft.ungradable }) },
  ]);

  return (
    <form
      ref={form}
      className="panel blind-form"
      aria-labelledby="blind-title"
      onSubmit={(event) => {
        event.preventDefault();
        say();
      }}
    >
      <h2 id="blind-title">{t.blind.title}</h2>
      <p className="tone-muted small">
        {slot.asks.length > 0 ? t.blind.what : t.blind.noAsks}{" "}
        {slot.asks.length > 0 ? <Key>{KEYS.blind.values[0]}</Key> : null}
      </p>
      {slot.seen_before ? <p className="small">{t.blind.seenBefore}</p> : null}
      {slot.asks.map((ask) => (
        <AskField
          key={keyOf(ask)}
          ask={ask}
          pipeline={slot.pipeline}
          off={draft.ungradable}
          answer={draft.answers[keyOf(ask)] ?? ""}
          change={(answer) => change({ answers: { ...draft.answers, [keyOf(ask)]: answer } })}
        />
      ))}
      {slot.asks.some((ask) => ask.kind === "number") ? (
        <p className="tone-muted small">{t.blind.numbers}</p>
      ) : null}
      <label className="row blind-check">
        <input
          type="checkbox"
          checked={draft.ungradable}
          onChange={(event) => change({ ungradable: event.target.checked })}
        />
        {t.blind.ungradable} <Key>{KEYS.blind.ungradable[0]}</Key>
      </label>
      <Field label={t.blind.comment}>
        <textarea
          className="input"
          rows={2}
          maxLength={LONGEST_COMMENT}
          value={draft.comment}
          onChange={(event) => change({ comment: event.target.value })}
        />
      </Field>
      {send.isError ? (
        <Notice tone="stat" title={unsure ? t.blind.unsure : t.blind.notSaid}>
          <p>{sentence(send.error.message)}</p>
          <p>{unsure ? t.blind.unsureWhat : t.blind.notSaidWhat}</p>
        </Notice>
      ) : null}
      <p className="tone-muted small" role="status">
        {missing === null ? t.blind.will : t.blind.lacking[missing]}
      </p>
      <Button type="submit" kind="primary" disabled={send.isPending || missing !== null}>
        {send.isPending ? t.blind.sending : t.blind.say} <Key>{t.keys.name("Control+Enter")}</Key>
      </Button>
    </form>
  );
}
