/** Which pictures of the study are looked at: buttons where there are few, a list where there are more. */
import type { ReactElement } from "react";

import { Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { t } from "../text/messages";

type Choice = { id: string; title: string };

/** So many sets are buttons side by side; more of them are a list to choose from. */
const MOST_BUTTONS = 2;

/** The set behind this one, in a round. */
export function setAfter(sets: readonly Choice[], shown: string | null): string {
  const place = sets.findIndex((one) => one.id === shown);
  return sets[(place + 1) % sets.length]?.id ?? "";
}

type Props = { sets: readonly Choice[]; shown: string; want: (set: string) => void };

export function SetChoice({ sets, shown, want }: Props): ReactElement {
  if (sets.length < 2) return <></>;
  if (sets.length > MOST_BUTTONS) {
    return (
      <label className="slider">
        {t.images.set} <Key>{KEYS.picture.nextSet[0]}</Key>
        <select className="input" value={shown} onChange={(event) => want(event.target.value)}>
          {sets.map((set) => (
            <option key={set.id} value={set.id}>
              {set.title}
            </option>
          ))}
        </select>
      </label>
    );
  }
  return (
    <div className="tool" role="group" aria-label={t.images.set}>
      {sets.map((set) => (
        <Button key={set.id} small aria-pressed={set.id === shown} onClick={() => want(set.id)}>
          {set.title}
        </Button>
      ))}
      <Key>{KEYS.picture.nextSet[0]}</Key>
    </div>
  );
}
