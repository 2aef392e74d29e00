/** A decision about a version is made with a reason, which stays with it. */
import { useId, useState, type FormEvent, type ReactElement } from "react";

import { useDecide, type Decision } from "../api/models";
import { newKey } from "../api/once";
import { Button, Dialog, Field, Notice } from "../design/parts";
import { sentence } from "../text/format";
import { t } from "../text/messages";

/** The API takes reasons of so many characters. */
const LONGEST_REASON = 1000;

type Props = { name: string; decision: Decision; close: () => void };

export function DecideDialog({ name, decision, close }: Props): ReactElement {
  const title = useId();
  const [reason, setReason] = useState("");
  const [once, renew] = useState(newKey);
  const decide = useDecide(name);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    decide.mutate({ ...decision, reason: reason.trim(), once }, { onSuccess: close });
  };
  const words = t.modelPage;
  return (
    <Dialog labelledBy={title} onClose={close}>
      <form className="decide" onSubmit={submit}>
        <h1 id={title}>
          {decision.action === "rollback" ? words.decide.rollback() : words.decide[decision.action](decision.version)}
        </h1>
        <p>{words.decideWhat[decision.action]}</p>
        <Field label={words.reason}>
          <textarea
            className="input"
            data-first
            required
            rows={3}
            maxLength={LONGEST_REASON}
            value={reason}
            onChange={(event) => {
              setReason(event.target.value);
              renew(newKey());
            }}
          />
        </Field>
        {decide.isError ? (
          <Notice tone="stat" title={words.notDecided}>
            <p>{sentence(decide.error.message)}</p>
          </Notice>
        ) : null}
        <div className="row dialog-end">
          <Button onClick={close}>{words.cancel}</Button>
          <Button kind="primary" type="submit" disabled={decide.isPending || reason.trim() === ""}>
            {decide.isPending ? words.deciding : words.actions[decision.action]}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
