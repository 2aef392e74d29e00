/** What a reader marked last, with the way back; and what could not be kept. */
import type { ReactElement } from "react";

import type { Look } from "../api/looks";
import type { Change } from "../api/overnight";
import { Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import type { Looks } from "./useLooks";

export function LookToast({ looks }: { looks: Looks }): ReactElement {
  const { last, failed, say } = looks;
  const takeBack = (): void => {
    if (last?.seen === true) say(last.change, false);
  };
  useShortcuts([{ keys: KEYS.triage.unsee, run: takeBack }]);
  return (
    <div className="row look-toast">
      <span role="status">{last === null ? null : said(last)}</span>
      {last?.seen === true ? (
        <Button small onClick={takeBack}>
          {t.changes.takeBack} <Key>{KEYS.triage.unsee[0]}</Key>
        </Button>
      ) : null}
      {failed === null ? null : (
        <span role="alert" className="tone-stat">
          {t.changes.notMarked(told(failed.look.change), sentence(failed.why))}
        </span>
      )}
    </div>
  );
}

function said({ change, seen }: Look): string {
  return (seen ? t.changes.marked : t.changes.takenBack)(told(change));
}

function told({ kind, headline }: Change): string {
  return t.change.told(kind, headline);
}
