/** Who changes: the studies of a batch, gravest first, gone through with one key each. */
import { useState, type ReactElement } from "react";
import { useLocation } from "wouter";

import { isMoving, useChanges, useTake, type Batch, type Change } from "../api/overnight";
import { rowsOf } from "../api/queries";
import type { ChangeKind, Me } from "../api/types";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { More } from "../design/More";
import { Button, Field, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { ChangeItem } from "./ChangeItem";
import { ChangeSides } from "./ChangeSides";
import { isSettled, keepSeen, nextToSee, seenOf, toggled } from "./triage";

const KINDS: readonly ChangeKind[] = ["crossed", "unanswered", "changed", "answered", "new", "none"];

export function Changes({ batch, me }: { batch: Batch; me: Me }): ReactElement {
  const [kind, setKind] = useState("");
  const list = useChanges(batch.id, kind);
  const changes = rowsOf(list.data);
  return (
    <section className="panel" aria-labelledby="who-changes">
      <div className="row row-apart">
        <div>
          <h2 id="who-changes">{t.changes.title}</h2>
          <p aria-live="polite">{list.isPending ? t.loading : t.changes.summary(changes.length, list.hasNextPage)}</p>
        </div>
        <Field label={t.changes.kind}>
          <select className="input" value={kind} onChange={(event) => setKind(event.target.value)}>
            <option value="">{t.changes.graver}</option>
            {KINDS.map((one) => (
              <option key={one} value={one}>
                {t.change.kinds[one]}
              </option>
            ))}
          </select>
        </Field>
      </div>
      {list.isError && changes.length === 0 ? (
        <LoadFailed error={list.error} again={() => void list.refetch()} />
      ) : null}
      <Stale error={changes.length > 0 ? list.error : null} />
      {list.isSuccess && changes.length === 0 ? <NobodyChanges batch={batch} kind={kind} /> : null}
      {changes.length > 0 ? <Triage batch={batch} changes={changes} me={me} /> : null}
      <More list={list} />
    </section>
  );
}

function NobodyChanges({ batch, kind }: { batch: Batch; kind: string }): ReactElement {
  const why = kind !== "" ? t.changes.noneOfKind : isMoving(batch) ? t.changes.noneYet : t.changes.noneAtAll;
  return (
    <Notice tone={kind === "" && !isMoving(batch) ? "routine" : "muted"} title={t.changes.none}>
      <p>{why}</p>
    </Notice>
  );
}

type TriageProps = { batch: Batch; changes: readonly Change[]; me: Me };

function Triage({ batch, changes, me }: TriageProps): ReactElement {
  const [cursor, setCursor] = useState<string | null>(null);
  const [seen, setSeen] = useState(() => seenOf(batch.id));
  const take = useTake();
  const [, goTo] = useLocation();
  const place = Math.max(
    0,
    changes.findIndex((change) => change.id === cursor),
  );
  const at = changes[place];
  const step = (by: number): void =>
    setCursor(changes[Math.min(changes.length - 1, Math.max(0, place + by))]?.id ?? null);
  const see = (): void => {
    if (at === undefined) return;
    const next = toggled(seen, at.id);
    keepSeen(batch.id, next);
    setSeen(next);
    if (next.has(at.id)) setCursor(nextToSee(changes, next, at.id));
  };
  const mayTake = me.role !== "technician" && at?.worklist != null;
  const takeIt = (): void => {
    if (mayTake && at?.worklist) take.mutate(at.worklist.row_id);
  };
  const open = (): void => {
    if (at !== undefined) goTo(`/studies/${at.study_id}`);
  };
  useShortcuts([
    { keys: KEYS.triage.next, run: () => step(1) },
    { keys: KEYS.triage.previous, run: () => step(-1) },
    { keys: KEYS.triage.open, run: open },
    { keys: KEYS.triage.take, run: takeIt },
    { keys: KEYS.triage.seen, run: see },
  ]);
  const left = changes.filter((change) => !seen.has(change.id) && !isSettled(change)).length;

  return (
    <div className="triage">
      <div className="triage-list">
        <p className="tone-muted">{t.changes.left(left)}</p>
        <ol aria-label={t.changes.list}>
          {changes.map((change) => (
            <ChangeItem
              key={change.id}
              change={change}
              chosen={change === at}
              seen={seen.has(change.id)}
              choose={() => setCursor(change.id)}
            />
          ))}
        </ol>
        <p className="tone-muted">{t.changes.seenWhat}</p>
      </div>
      {at === undefined ? null : (
        <div className="triage-one">
          <div className="row">
            <Button onClick={open}>
              {t.changes.open} <Key>{t.keys.name(KEYS.triage.open[0])}</Key>
            </Button>
            {mayTake ? (
              <Button onClick={takeIt} disabled={take.isPending}>
                {t.changes.take} <Key>{t.keys.name(KEYS.triage.take[0])}</Key>
              </Button>
            ) : null}
            <Button onClick={see} aria-pressed={seen.has(at.id)}>
              {seen.has(at.id) ? t.changes.unmarkSeen : t.changes.markSeen} <Key>{KEYS.triage.seen[0]}</Key>
            </Button>
            <span role="status">{take.variables === at.worklist?.row_id ? takenText(take) : null}</span>
          </div>
          <ChangeSides key={at.id} change={at} />
        </div>
      )}
    </div>
  );
}

/** What became of taking a study: one that is another reader's, or signed, stays as it is. */
function takenText({ data, error }: Pick<ReturnType<typeof useTake>, "data" | "error">): string {
  if (error !== null) return sentence(error.message);
  if (data === undefined) return "";
  const [refused] = data.conflicts;
  if (refused !== undefined) return sentence(refused.detail);
  return data.assigned.length > 0 ? t.changes.taken : t.changes.gone;
}
