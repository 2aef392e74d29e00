/** A batch's state, progress and what may be done with it: the same in the list and on its own page. */
import { useId, useState, type ReactElement } from "react";

import { useBatchAction, type Batch } from "../api/overnight";
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
  const { ended, all } = countsOf(batch);
  const failed = batch.items["failed"] ?? 0;
  return (
    <div className="batch-progress">
      <progress value={batch.progress} max={1} aria-label={t.overnight.columns.progress} />
      <span>{t.overnight.progress(ended, all, percent(batch.progress))}</span>
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
  return (
    <div className="row">
      {actionsOf(batch).map((action) => (
        <Button
          key={action}
          small
          disabled={act.isPending}
          onClick={() => (action === "cancel" ? ask(true) : act.mutate(action))}
        >
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
