/** A reconstruction held beside what was measured, slice by slice, with its maps and what is marked. */
import { useState, type ReactElement } from "react";

import { useVolume } from "../api/pictures";
import type { Result } from "../api/types";
import { Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { FILES, FLAGS, hasFlags, pairAfter, pairsOf, PAIRS, WIPE_STEP, wiped, type PairName } from "./comparison";
import { Images } from "./Images";
import { imageSets } from "./imageSets";
import { PLAIN } from "./picture";
import { PairChoice, WipeTool } from "./ReconstructionTools";
import { SetChoice, setAfter } from "./SetChoice";
import { ComparedSlices } from "./ComparedSlices";
import { OverlayTool, ToneTools, ToolBar, ZoomTools } from "./Tools";
import { useLook } from "./useLook";
import type { PicturesProps } from "./views";
import "./pictures.css";

const COMPARED = { id: "compared", title: t.compared.title };

/** The comparison comes first; what the model drew and the study's own images stay a key away. */
export function Reconstruction(props: PicturesProps): ReactElement {
  const { study, result, wanted } = props;
  const sets = imageSets(study, result);
  const pairs = result === null ? [] : pairsOf(result);
  if (result === null || pairs.length === 0) return <Images {...props} />;
  if (wanted !== null && wanted !== COMPARED.id && sets.some((set) => set.id === wanted)) {
    return <Images {...props} before={COMPARED} />;
  }
  return <Comparison {...props} result={result} pairs={pairs} choices={[COMPARED, ...sets]} />;
}

type ComparisonProps = PicturesProps & {
  result: Result;
  pairs: readonly PairName[];
  choices: readonly { id: string; title: string }[];
};

function Comparison({ result, pairs, choices, want }: ComparisonProps): ReactElement {
  const at = useLook(() => PLAIN);
  const [pair, setPair] = useState<PairName>(pairs[0] ?? "image");
  const [wipe, setWipe] = useState(0.5);
  const [leftName, rightName] = PAIRS[pair];
  const left = useVolume(result.id, FILES[leftName]);
  const right = useVolume(result.id, FILES[rightName]);
  const image = useVolume(result.id, FILES.image);
  const flags = useVolume(result.id, hasFlags(result) ? FLAGS : null);
  const { setPicture } = at;
  useShortcuts([
    { keys: KEYS.picture.nextSet, run: () => want(setAfter(choices, COMPARED.id)) },
    { keys: KEYS.picture.overlay, run: () => setPicture((now) => ({ ...now, overlay: !now.overlay })) },
    { keys: KEYS.reconstruction.pair, run: () => setPair(pairAfter(pairs, pair)) },
    { keys: KEYS.reconstruction.wipeLeft, run: () => setWipe((now) => wiped(now, -WIPE_STEP)) },
    { keys: KEYS.reconstruction.wipeRight, run: () => setWipe((now) => wiped(now, WIPE_STEP)) },
  ]);
  const failed = [left, right, image, flags].find((one) => one.isError);
  const ready = left.data && right.data && image.data && (flags.data || !hasFlags(result));
  return (
    <section className="viewer" aria-label={t.compared.label}>
      <ToolBar>
        <SetChoice sets={choices} shown={COMPARED.id} want={want} />
        <PairChoice pairs={pairs} pair={pair} setPair={setPair} />
        <WipeTool pair={pair} wipe={wipe} setWipe={setWipe} />
        {hasFlags(result) ? <OverlayTool label={t.compared.flags} at={at} /> : null}
        <ToneTools at={at} />
        <ZoomTools at={at} />
      </ToolBar>
      {failed ? (
        <Notice tone="muted" title={t.compared.failed}>
          <p>{failed.error?.message}</p>
          <p>{t.compared.failedWhat}</p>
        </Notice>
      ) : null}
      {!failed && !ready ? <p className="waiting">{t.compared.loading}</p> : null}
      {!failed && left.data && right.data && image.data && ready ? (
        <ComparedSlices
          left={{ name: leftName, volume: left.data }}
          right={{ name: rightName, volume: right.data }}
          image={image.data}
          flags={flags.data ?? null}
          wipe={wipe}
          setWipe={setWipe}
          at={at}
        />
      ) : null}
    </section>
  );
}
