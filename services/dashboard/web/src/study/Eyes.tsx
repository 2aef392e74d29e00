/** The photographs of a study, both eyes in step, with the tools to look at them. */
import { useState, type ReactElement } from "react";

import type { Result, StudyDetail } from "../api/types";
import { Badge, Button, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { EyeStage } from "./EyeStage";
import { photographsBySide, type Photograph, type Side, type SidePhotographs } from "./photographs";
import { OPACITY_STEP, PLAIN, withOpacity, type Picture } from "./picture";
import { HeatMapTool, RedFreeTool, ToneTools, ToolBar, ZoomTools } from "./Tools";
import { useLook, type Look } from "./useLook";

const KEY_OF: Record<Side, string> = { R: KEYS.picture.right[0], L: KEYS.picture.left[0], none: KEYS.picture.other[0] };

export function Eyes({ study, result }: { study: StudyDetail; result: Result | null }): ReactElement {
  const at = useLook(() => beginning(result));
  const { setPicture } = at;
  const [alone, setAlone] = useState<Side | null>(null);
  const sides = photographsBySide(study, result);
  const show = (side: Side): void => setAlone(sides.some((group) => group.side === side) ? side : alone);
  const k = KEYS.picture;
  useShortcuts([
    { keys: k.overlay, run: () => setPicture((now) => ({ ...now, overlay: !now.overlay })) },
    { keys: k.lessOverlay, run: () => setPicture((now) => withOpacity(now, -OPACITY_STEP)) },
    { keys: k.moreOverlay, run: () => setPicture((now) => withOpacity(now, OPACITY_STEP)) },
    { keys: k.redFree, run: () => setPicture((now) => ({ ...now, redFree: !now.redFree })) },
    { keys: k.right, run: () => show("R") },
    { keys: k.left, run: () => show("L") },
    { keys: k.other, run: () => show("none") },
    { keys: k.both, run: () => setAlone(null) },
  ]);

  if (sides.length === 0) return <Notice tone="muted" title={t.study.noPhotographs} />;
  const shown = alone === null ? sides : sides.filter((group) => group.side === alone);
  return (
    <section className="viewer" aria-label={t.study.viewer}>
      <ToolBar>
        <HeatMapTool
          at={at}
          hasHeatMap={sides.some((group) => group.photographs.some((one) => heatMapOf(one, result) !== null))}
        />
        <RedFreeTool at={at} />
        <ToneTools at={at} />
        <ZoomTools at={at} />
      </ToolBar>
      <div className="stages">
        {shown.map((group) => (
          <Eye
            key={group.side}
            group={group}
            result={result}
            at={at}
            choice={sides.length > 1 ? { alone: alone !== null, pick: setAlone } : null}
          />
        ))}
      </div>
      <RedFreeFilter />
    </section>
  );
}

/** A heat-map that is not reliable is not the first thing a reader should see; it is there when asked for. */
function beginning(result: Result | null): Picture {
  const reliable = result?.images.every((image) => image.explanation?.reliable ?? true) ?? true;
  return { ...PLAIN, overlay: reliable };
}

type EyeProps = {
  group: SidePhotographs;
  result: Result | null;
  at: Look;
  choice: { alone: boolean; pick: (side: Side | null) => void } | null;
};

/** One eye; where it was photographed more than once, the reader picks which picture to see. */
function Eye({ group, result, at, choice }: EyeProps): ReactElement {
  const [picked, pick] = useState(0);
  const photograph = group.photographs[picked] ?? group.photographs[0];
  if (photograph === undefined) return <></>;
  const { reading } = photograph;
  return (
    <figure className="eye">
      <figcaption className="eye-head">
        <strong>{t.eyes[group.side]}</strong>
        <span className="tone-muted">{t.eyesShort[group.side]}</span>
        {group.photographs.length > 1
          ? group.photographs.map((one, place) => (
              <Button key={one.instanceId} small aria-pressed={place === picked} onClick={() => pick(place)}>
                {t.study.pictureNumber(place + 1)}
              </Button>
            ))
          : null}
        <span className="eye-marks">
          {photograph.flag !== null ? (
            <Badge icon="info" tone="urgent">
              {t.flags[photograph.flag] ?? photograph.flag}
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

/** The name of the photograph's heat-map among the result's artifacts. */
function heatMapOf(photograph: Photograph, result: Result | null): string | null {
  const own = new Set(photograph.reading?.artifacts);
  return result?.artifacts.find((artifact) => artifact.kind === "heatmap" && own.has(artifact.name))?.name ?? null;
}

/** The green channel alone, as grey: what a red-free filter in front of the camera shows. */
function RedFreeFilter(): ReactElement {
  return (
    <svg className="hidden-visually" aria-hidden="true">
      <filter id="red-free" colorInterpolationFilters="sRGB">
        <feColorMatrix type="matrix" values="0 1 0 0 0  0 1 0 0 0  0 1 0 0 0  0 0 0 1 0" />
      </filter>
    </svg>
  );
}
