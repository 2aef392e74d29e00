/** The pictures of a result and the images of its study, one set at a time, slice by slice. */
import { useEffect, useState, type ReactElement } from "react";

import type { Result, StudyDetail } from "../api/types";
import { Badge, Button, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { beginning, imageSets, stepped, type ImageSet } from "./imageSets";
import { Photo } from "./Photo";
import { PLAIN } from "./picture";
import { Stage } from "./Stage";
import { Slider, ToneTools, ToolBar, ZoomTools } from "./Tools";
import { useLook, type Look } from "./useLook";

type Props = {
  study: StudyDetail;
  result: Result | null;
  /** The set that another part of the page asked for. */
  wanted: string | null;
  want: (set: string) => void;
};

export function Images({ study, result, wanted, want }: Props): ReactElement {
  const sets = imageSets(study, result);
  const at = useLook(() => PLAIN);
  const set = sets.find((one) => one.id === wanted) ?? sets[0];
  useShortcuts([{ keys: KEYS.picture.nextSet, run: () => want(setAfter(sets, set)?.id ?? "") }]);
  if (set === undefined) return <Notice tone="muted" title={t.images.none} />;
  return (
    <section className="viewer" aria-label={t.images.viewer}>
      <ToolBar>
        <SetChoice sets={sets} shown={set} want={want} />
        <ToneTools at={at} />
        <ZoomTools at={at} />
      </ToolBar>
      <Slices key={set.id} set={set} at={at} />
    </section>
  );
}

function setAfter(sets: readonly ImageSet[], set: ImageSet | undefined): ImageSet | undefined {
  const place = sets.findIndex((one) => one.id === set?.id);
  return sets[(place + 1) % sets.length];
}

/** So many sets are buttons side by side; more of them are a list to choose from. */
const MOST_BUTTONS = 2;

type ChoiceProps = { sets: readonly ImageSet[]; shown: ImageSet; want: (set: string) => void };

function SetChoice({ sets, shown, want }: ChoiceProps): ReactElement {
  if (sets.length < 2) return <></>;
  if (sets.length > MOST_BUTTONS) {
    return (
      <label className="slider">
        {t.images.set} <Key>{KEYS.picture.nextSet[0]}</Key>
        <select className="input" value={shown.id} onChange={(event) => want(event.target.value)}>
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
        <Button key={set.id} small aria-pressed={set === shown} onClick={() => want(set.id)}>
          {set.title}
        </Button>
      ))}
      <Key>{KEYS.picture.nextSet[0]}</Key>
    </div>
  );
}

function Slices({ set, at }: { set: ImageSet; at: Look }): ReactElement {
  const [place, go] = useState(() => beginning(set));
  const [ratio, setRatio] = useState(1);
  const here = stepped(set, place, 0);
  const image = set.images[here];
  useShortcuts([
    { keys: KEYS.picture.nextSlice, run: () => go(stepped(set, here, 1)) },
    { keys: KEYS.picture.previousSlice, run: () => go(stepped(set, here, -1)) },
  ]);
  if (image === undefined) return <></>;
  return (
    <figure className="slices">
      {set.images.length > 1 || image.flagged > 0 || set.what ? (
        <figcaption className="slices-head">
          {set.images.length > 1 ? <Stepper set={set} here={here} go={go} /> : null}
          {image.flagged > 0 ? (
            <Badge icon="check" tone="check">
              {t.images.flagged(image.flagged)}
            </Badge>
          ) : null}
          {set.what ? <span className="tone-muted small">{set.what}</span> : null}
        </figcaption>
      ) : null}
      <Stage ratio={ratio} view={at.view} look={at.look}>
        {(width) => (
          <>
            <Photo id={image.id} url={image.url(width)} alt={image.alt} picture={at.picture} arrived={setRatio} />
            <Neighbours set={set} here={here} width={width} />
          </>
        )}
      </Stage>
    </figure>
  );
}

function Stepper({ set, here, go }: { set: ImageSet; here: number; go: (place: number) => void }): ReactElement {
  const count = set.images.length;
  const text = set.images[here]?.note ?? null;
  return (
    <div className="tool stepper">
      <Button small disabled={here === 0} onClick={() => go(stepped(set, here, -1))}>
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
      <Button small disabled={here === count - 1} onClick={() => go(stepped(set, here, 1))}>
        <span aria-hidden="true">→</span>
        <span className="hidden-visually">{t.images.next}</span> <Key>{KEYS.picture.nextSlice[0]}</Key>
      </Button>
      <output className="small">
        {t.images.number(here + 1, count)}
        {text === null ? "" : ` · ${text}`}
      </output>
    </div>
  );
}

/** Asks for the pictures on both sides ahead, so that a step shows the next one at once. */
function Neighbours({ set, here, width }: { set: ImageSet; here: number; width: number }): ReactElement {
  const ahead = [set.images[here - 1], set.images[here + 1]].map((image) => image?.url(width) ?? null);
  const [before, after] = ahead;
  useEffect(() => {
    for (const url of [before, after]) {
      if (url) new Image().src = url;
    }
  }, [before, after]);
  return <></>;
}
