/** The changes of a batch, gone through with one key each: the list, and beside it what is chosen. */
import { useState, type ReactElement } from "react";
import { useLocation } from "wouter";

import { useTake, type Change } from "../api/overnight";
import type { Me } from "../api/types";
import { Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { ChangeItem } from "./ChangeItem";
import { ChangeSides } from "./ChangeSides";
import { nextToSee, placeNow, stepped, type Place } from "./triage";
import type { Looks } from "./useLooks";

type Props = { changes: readonly [Change, ...Change[]]; looks: Looks; me: Me; more: () => void };

/** So many before the end of what is loaded, the next page is asked for. */
const AHEAD = 3;

export function Triage({ changes, looks, me, more }: Props): ReactElement {
  const [chosen, choose] = useState<Place>({ change: changes[0], index: 0 });
  const take = useTake();
  const [, goTo] = useLocation();
  const at = placeNow(changes, chosen);
  const { change } = at;
  const go = (place: Place): void => {
    choose(place);
    if (place.index >= changes.length - AHEAD) more();
  };
  const reads = me.role !== "technician" && me.user_id !== null;
  const isOthers = change.seen !== null && change.seen.user.id !== me.user_id;
  const see = (): void => {
    if (!reads || isOthers) return;
    looks.say(change, change.seen === null);
    if (change.seen === null) go(nextToSee(changes, at));
  };
  const mayTake = reads && change.worklist !== null;
  const takeIt = (): void => {
    if (mayTake && change.worklist) take.mutate(change.worklist.row_id);
  };
  const open = (): void => goTo(`/studies/${change.study_id}`);
  useShortcuts([
    { keys: KEYS.triage.next, run: () => go(stepped(changes, at, 1)) },
    { keys: KEYS.triage.previous, run: () => go(stepped(changes, at, -1)) },
    { keys: KEYS.triage.open, run: open },
    { keys: KEYS.triage.take, run: takeIt },
    { keys: KEYS.triage.seen, run: see },
  ]);

  return (
    <div className="triage">
      <div className="triage-list">
        <ol aria-label={t.changes.list}>
          {changes.map((one, index) => (
            <ChangeItem
              key={one.id}
              change={one}
              chosen={one.id === change.id}
              me={me}
              choose={() => choose({ change: one, index })}
            />
          ))}
        </ol>
        <p className="tone-muted">{t.changes.seenWhat}</p>
      </div>
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
          {reads && !isOthers ? (
            <Button onClick={see}>
              {change.seen === null ? t.changes.markSeen : t.changes.unmarkSeen} <Key>{KEYS.triage.seen[0]}</Key>
            </Button>
          ) : null}
          <span role="status">{take.variables === change.worklist?.row_id ? takenText(take) : null}</span>
        </div>
        <ChangeSides key={change.id} change={change} />
      </div>
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
