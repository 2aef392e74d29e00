/** One slice to the next: two buttons, a slider, and the number. */
import type { ReactElement } from "react";

import { Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { Slider } from "./Tools";

type Go = (place: number) => void;

function kept(place: number, count: number): number {
  return Math.min(count - 1, Math.max(0, place));
}

/** The keys to the slices beside. */
export function useSteps(count: number, here: number, go: Go): void {
  useShortcuts([
    { keys: KEYS.picture.nextSlice, run: () => go(kept(here + 1, count)) },
    { keys: KEYS.picture.previousSlice, run: () => go(kept(here - 1, count)) },
  ]);
}

type Props = { count: number; here: number; go: Go; /** Said beside the number. */ note?: string | null };

export function Stepper({ count, here, go, note = null }: Props): ReactElement {
  return (
    <div className="tool stepper">
      <Button small disabled={here === 0} onClick={() => go(kept(here - 1, count))}>
        <span aria-hidden="true">←</span>
        <span className="hidden-visually">{t.images.previous}</span> <Key>{KEYS.picture.previousSlice[0]}</Key>
      </Button>
      <Slider
        label={t.images.place}
        labelHidden
        wide
        value={here + 1}
        low={1}
        high={count}
        step={1}
        text={t.images.number(here + 1, count)}
        change={(number) => go(number - 1)}
      />
      <Button small disabled={here === count - 1} onClick={() => go(kept(here + 1, count))}>
        <span aria-hidden="true">→</span>
        <span className="hidden-visually">{t.images.next}</span> <Key>{KEYS.picture.nextSlice[0]}</Key>
      </Button>
      <output className="small">
        {t.images.number(here + 1, count)}
        {note === null ? "" : ` · ${note}`}
      </output>
    </div>
  );
}
