/** Who changes: the studies of a batch, gravest first, and how many of them readers have looked at. */
import { useState, type ReactElement } from "react";

import { useChanges, type Sought } from "../api/looks";
import { hasEnded, type Batch } from "../api/overnight";
import { rowsOf } from "../api/queries";
import type { ChangeKind, Me } from "../api/types";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { More } from "../design/More";
import { Field, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { LookToast } from "./LookToast";
import { countsOf } from "./batches";
import { Triage } from "./Triage";
import { useLooks } from "./useLooks";

const KINDS: readonly ChangeKind[] = ["crossed", "unanswered", "changed", "answered", "new", "none"];
const EVERYTHING: Sought = { kind: "", unseen: false };

export function Changes({ batch, me }: { batch: Batch; me: Me }): ReactElement {
  const [sought, seek] = useState(EVERYTHING);
  const looks = useLooks(batch.id);
  const list = useChanges(batch.id, sought);
  const [first, ...rest] = rowsOf(list.data);
  const looked = list.data?.pages[0]?.looked;
  const more = (): void => {
    if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage();
  };
  return (
    <section className="panel" aria-labelledby="who-changes">
      <div className="row row-apart">
        <div>
          <h2 id="who-changes">{t.changes.title}</h2>
          <p aria-live="polite">{looked === undefined ? t.loading : t.changes.summary(looked.changes)}</p>
          {looked === undefined || looked.changes === 0 ? null : (
            <p className="looked">{t.changes.looked(looked.changes - looked.left, looked.changes)}</p>
          )}
        </div>
        <Filters sought={sought} seek={seek} />
      </div>
      <LookToast looks={looks} />
      {list.isError && first === undefined ? <LoadFailed error={list.error} again={() => void list.refetch()} /> : null}
      <Stale error={first === undefined ? null : list.error} />
      {list.isSuccess && first === undefined ? (
        <NobodyChanges batch={batch} sought={sought} changes={looked?.changes ?? 0} />
      ) : null}
      {first === undefined ? null : <Triage changes={[first, ...rest]} looks={looks} me={me} more={more} />}
      <More list={list} />
    </section>
  );
}

function Filters({ sought, seek }: { sought: Sought; seek: (sought: Sought) => void }): ReactElement {
  const toggle = (): void => seek({ ...sought, unseen: !sought.unseen });
  useShortcuts([{ keys: KEYS.triage.unseenOnly, run: toggle }]);
  return (
    <div className="form">
      <label className="choice">
        <input type="checkbox" checked={sought.unseen} onChange={toggle} />
        {t.changes.onlyUnseen} <Key>{KEYS.triage.unseenOnly[0]}</Key>
      </label>
      <Field label={t.changes.kind}>
        <select className="input" value={sought.kind} onChange={(event) => seek({ ...sought, kind: event.target.value })}>
          <option value="">{t.changes.graver}</option>
          {KINDS.map((one) => (
            <option key={one} value={one}>
              {t.change.kinds[one]}
            </option>
          ))}
        </select>
      </Field>
    </div>
  );
}

type NobodyProps = { batch: Batch; sought: Sought; changes: number };

function NobodyChanges({ batch, sought, changes }: NobodyProps): ReactElement {
  if (changes > 0) {
    return (
      <Notice tone="routine" title={t.changes.allSeen}>
        <p>{t.changes.allSeenWhy}</p>
      </Notice>
    );
  }
  const isOver = hasEnded(batch);
  if (isOver && countsOf(batch).all === 0) {
    return (
      <Notice tone="muted" title={t.changes.none}>
        <p>{t.changes.noneFits}</p>
      </Notice>
    );
  }
  const isFinal = sought.kind === "" && batch.state === "finished";
  const why = sought.kind !== "" ? t.changes.noneOfKind : isOver ? t.changes.noneAtAll : t.changes.noneYet;
  return (
    <Notice tone={isFinal ? "routine" : "muted"} title={t.changes.none}>
      <p>{why}</p>
    </Notice>
  );
}
