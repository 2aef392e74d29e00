/** Asks once more before something that cannot be taken back; the way out has the focus. */
import { useId, type ReactElement, type ReactNode } from "react";

import { sentence } from "../text/format";
import { t } from "../text/messages";
import { Button, Dialog, Notice } from "./parts";

type Props = {
  title: string;
  yes: string;
  busy: boolean;
  error: Error | null;
  onYes: () => void;
  onClose: () => void;
  children: ReactNode;
};

export function Confirm({ title, yes, busy, error, onYes, onClose, children }: Props): ReactElement {
  const heading = useId();
  return (
    <Dialog labelledBy={heading} onClose={onClose}>
      <h1 id={heading}>{title}</h1>
      {children}
      <NotDone error={error} />
      <div className="row dialog-end">
        <Button data-first onClick={onClose}>
          {t.ops.cancel}
        </Button>
        <Button kind="primary" disabled={busy} onClick={onYes}>
          {yes}
        </Button>
      </div>
    </Dialog>
  );
}

/** Why a change was refused; nothing where it was not. */
export function NotDone({ error }: { error: Error | null }): ReactElement {
  if (error === null) return <></>;
  return (
    <Notice tone="stat" title={t.ops.notDone}>
      <p>{sentence(error.message)}</p>
    </Notice>
  );
}
