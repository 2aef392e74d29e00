/** One eye at one visit: its photograph on a stage, with what is noted of it. */
import { useState, type ReactElement } from "react";

import type { Result } from "../api/types";
import { Badge, Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { t } from "../text/messages";
import { EyeStage } from "./EyeStage";
import { heatMapOf } from "./heatMapOf";
import type { Photograph, Side, SidePhotographs } from "./photographs";
import type { Look } from "./useLook";

export const KEY_OF: Record<Side, string> = {
  R: KEYS.picture.right[0],
  L: KEYS.picture.left[0],
  none: KEYS.picture.other[0],
};

type Props = {
  group: SidePhotographs;
  result: Result | null;
  at: Look;
  /** Which visit it is, where more than one is shown. */
  visit: string | null;
  choice: { alone: boolean; pick: (side: Side | null) => void } | null;
};

/** Where an eye was photographed more than once, the reader picks which picture to see. */
export function Eye({ group, result, at, visit, choice }: Props): ReactElement {
  const [picked, pick] = useState(0);
  const photograph = group.photographs[picked] ?? group.photographs[0];
  if (photograph === undefined) return <></>;
  return (
    <figure className="eye">
      <figcaption className="eye-head">
        <strong>{t.eyes[group.side]}</strong>
        <span className="tone-muted">{t.eyesShort[group.side]}</span>
        {visit === null ? null : <span>{visit}</span>}
        {group.photographs.length > 1
          ? group.photographs.map((one, place) => (
              <Button key={one.instanceId} small aria-pressed={place === picked} onClick={() => pick(place)}>
                {t.study.pictureNumber(place + 1)}
              </Button>
            ))
          : null}
        <span className="eye-marks">
          <Marks photograph={photograph} />
          {choice ? (
            <Button kind="quiet" small onClick={() => choice.pick(choice.alone ? null : group.side)}>
              {choice.alone ? t.study.both : t.study.alone}{" "}
              <Key>{choice.alone ? KEYS.picture.both[0] : KEY_OF[group.side]}</Key>
            </Button>
          ) : null}
        </span>
      </figcaption>
      <EyeStage
        key={photograph.instanceId}
        photograph={photograph}
        resultId={result?.id ?? null}
        heatMap={heatMapOf(photograph, result)}
        picture={at.picture}
        view={at.view}
        look={at.look}
      />
    </figure>
  );
}

/** What is noted of a photograph, each with a shape and a word. */
function Marks({ photograph }: { photograph: Photograph }): ReactElement {
  const { flag, reading } = photograph;
  return (
    <>
      {flag !== null ? (
        <Badge icon="info" tone="urgent">
          {t.flags[flag] ?? flag}
        </Badge>
      ) : null}
      {reading !== null && !reading.quality.gradable ? (
        <Badge icon="check" tone="check">
          {t.quality.ungradable}
        </Badge>
      ) : null}
      {reading?.explanation && !reading.explanation.reliable ? (
        <Badge icon="unrouted" tone="urgent">
          {t.trust.unreliableShort}
        </Badge>
      ) : null}
    </>
  );
}
