/** A batch's state, progress and what may be done with it: the same in the list and on its own page. */
import { useId, useState, type ReactElement } from "react";

import { hasEnded, useBatchAction, type Batch, type BatchAction } from "../api/overnight";
import { Badge, Button, Dialog } from "../design/parts";
import { percent, sentence } from "../text/format";
import { t } from "../text/messages";
import { actionsOf, countsOf, STATE_MARKS } from "./batches";

export function BatchBadge({ batch }: { batch: Batch }): ReactElement {
  const [icon, tone] = STATE_MARKS[batch.state];
  return (
    <>
      <Badge icon={icon} tone={tone}>
        {t.overnight.states[batch.state] ?? batch.state}
      </Badge>
      {batch.reason === null ? null : <div className="tone-muted">{sentence(batch.reason)}</div>}
    </>
  );
}

export function BatchProgress({ batch }: { batch: Batch }): ReactElement {
  const { ended, all, share, leftOut } = countsOf(batch);
  const failed = batch.items["failed"] ?? 0;
  return (
    <div className="batch-progress">
      <progress value={share} max={1} aria-label={t.overnight.columns.progress} />
      <span>
        {all === 0 && hasEnded(batch) ? t.overnight.noStudies : t.overnight.progress(ended, all, percent(share))}
      </span>
      {leftOut > 0 ? <span className="tone-muted">{t.overnight.leftOut(leftOut)}</span> : null}
      {batch.planned ? null : <span className="tone-muted">{t.overnight.growing}</span>}
      {failed > 0 ? (
        <Badge icon="failed" tone="stat">
          {t.overnight.failedItems(failed)}
        </Badge>
      ) : null}
    </div>
  );
}

/** Pause, go on, end; ending asks once more, since it cannot be taken back. */
export function BatchActions({ batch }: { batch: Batch }): ReactElement {
  const act = useBatchAction(batch.id);
  const [asking, ask] = useState(false);
  const choose = (action: BatchAction): void => {
    if (act.isPending) return;
    if (action === "cancel") ask(true);
    else act.mutate(action);
  };
  return (
    <div className="row">
      {actionsOf(batch).map((action, place) => (
        // By place, and never disabled: who pauses by keyboard stands on the button that lets it go on.
        <Button key={place} small aria-disabled={act.isPending} onClick={() => choose(action)}>
          {t.overnight.actions[action]}
        </Button>
      ))}
      {act.isError ? <span role="alert">{sentence(act.error.message)}</span> : null}
      {asking ? (
        <SureDialog
          no={() => ask(false)}
          yes={() => {
            ask(false);
            act.mutate("cancel");
          }}
        />
      ) : null}
    </div>
  );
}

function SureDialog({ yes, no }: { yes: () => void; no: () => void }): ReactElement {
  const title = useId();
  return (
    <Dialog labelledBy={title} onClose={no}>
      <h1 id={title}>{t.overnight.cancelSure}</h1>
      <div className="row dialog-end">
        <Button onClick={no} data-first>
          {t.overnight.cancelNo}
        </Button>
        <Button kind="primary" onClick={yes}>
          {t.overnight.cancelYes}
        </Button>
      </div>
    </Dialog>
  );
}
