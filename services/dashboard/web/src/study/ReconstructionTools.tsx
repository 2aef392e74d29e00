/** What is held beside what in a reconstruction, and how far the right one is wiped over the left. */
import type { ReactElement } from "react";

import { Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { percent } from "../text/format";
import { t } from "../text/messages";
import { PAIRS, WIPE_STEP, type PairName } from "./comparison";
import { Slider } from "./Tools";

type PairProps = { pairs: readonly PairName[]; pair: PairName; setPair: (pair: PairName) => void };

export function PairChoice({ pairs, pair, setPair }: PairProps): ReactElement {
  return (
    <label className="slider">
      {t.compared.pair} <Key>{KEYS.reconstruction.pair[0]}</Key>
      <select className="input" value={pair} onChange={(event) => setPair(event.target.value as PairName)}>
        {pairs.map((one) => (
          <option key={one} value={one}>
            {t.compared.pairs[one]}
          </option>
        ))}
      </select>
    </label>
  );
}

type WipeProps = { pair: PairName; wipe: number; setWipe: (share: number) => void };

export function WipeTool({ pair, wipe, setWipe }: WipeProps): ReactElement {
  const [left, right] = PAIRS[pair].map((name) => t.compared.planes[name]) as [string, string];
  return (
    <div className="tool">
      <Key>{KEYS.reconstruction.wipeLeft[0]}</Key>
      <Slider
        label={t.compared.wipe}
        value={wipe}
        low={0}
        high={1}
        step={WIPE_STEP}
        text={t.compared.wipeWhat(left, right, percent(wipe))}
        change={setWipe}
      />
      <Key>{KEYS.reconstruction.wipeRight[0]}</Key>
    </div>
  );
}
