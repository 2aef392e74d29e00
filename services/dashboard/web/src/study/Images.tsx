/** The pictures of a result and the images of its study, one set at a time, slice by slice. */
import { useEffect, useState, type ReactElement } from "react";

import type { Result, StudyDetail } from "../api/types";
import { Badge, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { beginning, imageSets, stepped, type ImageSet } from "./imageSets";
import { Photo } from "./Photo";
import { PLAIN } from "./picture";
import { SetChoice, setAfter } from "./SetChoice";
import { Stage } from "./Stage";
import { Stepper, useSteps } from "./Stepper";
import { ToneTools, ToolBar, ZoomTools } from "./Tools";
import { useLook, type Look } from "./useLook";

type Props = {
  study: StudyDetail;
  result: Result | null;
  /** The set that another part of the page asked for. */
  wanted: string | null;
  want: (set: string) => void;
  /** Another way of looking that is offered before these sets. */
  before?: { id: string; title: string };
};

export function Images({ study, result, wanted, want, before }: Props): ReactElement {
  const sets = imageSets(study, result);
  const choices = before === undefined ? sets : [before, ...sets];
  const at = useLook(() => PLAIN);
  const set = sets.find((one) => one.id === wanted) ?? sets[0];
  useShortcuts([{ keys: KEYS.picture.nextSet, run: () => want(setAfter(choices, set?.id ?? null)) }]);
  if (set === undefined) return <Notice tone="muted" title={t.images.none} />;
  return (
    <section className="viewer" aria-label={t.images.viewer}>
      <ToolBar>
        <SetChoice sets={choices} shown={set.id} want={want} />
        <ToneTools at={at} />
        <ZoomTools at={at} />
      </ToolBar>
      <Slices key={set.id} set={set} at={at} />
    </section>
  );
}

function Slices({ set, at }: { set: ImageSet; at: Look }): ReactElement {
  const [place, go] = useState(() => beginning(set));
  const [ratio, setRatio] = useState(1);
  const here = stepped(set, place, 0);
  const image = set.images[here];
  useSteps(set.images.length, here, go);
  if (image === undefined) return <></>;
  return (
    <figure className="slices">
      {set.images.length > 1 || image.flagged > 0 || set.what ? (
        <figcaption className="slices-head">
          {set.images.length > 1 ? <Stepper count={set.images.length} here={here} go={go} note={image.note} /> : null}
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
