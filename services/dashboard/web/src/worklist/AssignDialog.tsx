/** Gives the marked readings to a reader, and says of each that was not given why. */
import { useId, useState, type FormEvent, type ReactElement } from "react";

import { useAssign, useReaders } from "../api/worklist";
import type { Me } from "../api/types";
import { Button, Dialog, Field, Notice } from "../design/parts";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { outcomeOf } from "./assigned";

const ME = "me";
const NOBODY = "";

/** `onDone` is told what was done, `onClose` that nothing was. */
type Props = { me: Me; rows: string[]; onClose: () => void; onDone: (told: string) => void };

export function AssignDialog({ me, rows, onClose, onDone }: Props): ReactElement {
  const title = useId();
  const [reader, setReader] = useState(ME);
  const readers = (useReaders().data ?? []).filter((one) => one.id !== me.user_id);
  const assign = useAssign();
  const outcome = assign.data === undefined ? null : outcomeOf(assign.data);
  const send = (ids: string[], takeOver: boolean): void =>
    assign.mutate(
      { row_ids: ids, user_id: reader === NOBODY ? null : reader, take_over: takeOver },
      {
        onSuccess: (answer) => {
          if (answer.conflicts.length + answer.not_found.length > 0) return;
          onDone(t.assign.done(answer.assigned.length));
        },
      },
    );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    // One's own readings are given back by anybody: nobody loses what they hold by it but who is asked.
    send(rows, reader === NOBODY);
  };
  const close = (): void => (outcome === null ? onClose() : onDone(t.assign.done(outcome.assigned)));
  return (
    <Dialog labelledBy={title} onClose={close}>
      <form onSubmit={submit}>
        <h1 id={title}>{t.assign.title(rows.length)}</h1>
        <Field label={t.assign.to}>
          <select className="input" data-first value={reader} onChange={(event) => setReader(event.target.value)}>
            <option value={ME}>{t.assign.me}</option>
            {readers.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
            <option value={NOBODY}>{t.assign.nobody}</option>
          </select>
        </Field>
        {assign.error === null ? null : (
          <Notice tone="stat" title={t.assign.failed}>
            <p>{sentence(assign.error.message)}</p>
          </Notice>
        )}
        {outcome === null ? null : (
          <Notice tone="urgent" title={t.assign.done(outcome.assigned)}>
            {outcome.held.length > 0 ? <p>{t.assign.others(outcome.held.length)}</p> : null}
            {outcome.reasons.map(([why, count]) => (
              <p key={why}>{t.assign.left(count, why)}</p>
            ))}
          </Notice>
        )}
        <div className="row dialog-end">
          <Button onClick={close}>{outcome === null ? t.assign.cancel : t.close}</Button>
          {outcome !== null && outcome.held.length > 0 ? (
            <Button disabled={assign.isPending} onClick={() => send(outcome.held, true)}>
              {t.assign.takeOver(outcome.held.length)}
            </Button>
          ) : null}
          {outcome === null ? (
            <Button type="submit" kind="primary" disabled={assign.isPending}>
              {assign.isPending ? t.assign.busy : t.assign.submit}
            </Button>
          ) : null}
        </div>
      </form>
    </Dialog>
  );
}
