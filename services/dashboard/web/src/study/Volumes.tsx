/** The pictures of measured volumes: the volume itself where the browser can draw it, the other images one key away. */
import { useState, type ReactElement } from "react";

import { useMasks } from "../api/masks";
import { useVolume } from "../api/pictures";
import { useArtifact, useMe } from "../api/queries";
import type { Result } from "../api/types";
import { Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { Images } from "./Images";
import { imageSets } from "./imageSets";
import { SetChoice, setAfter } from "./SetChoice";
import { VolumeViewer } from "./viewers";
import type { PicturesProps } from "./views";
import "./volumes.css";

/** Kinds of artifacts that it takes to show a volume with its outlines. */
const NEEDED = ["volume", "segmentation", "segments"] as const;
const VOLUME = { id: "volume", title: t.volume.title };

export function Volumes(props: PicturesProps): ReactElement {
  const { study, result, wanted } = props;
  const [draws] = useState(hasWebGl);
  const sets = imageSets(study, result);
  if (result === null || !hasVolume(result)) return <Images {...props} />;
  if (!draws) {
    return (
      <div className="volume-instead">
        <Notice tone="muted" title={t.volume.noWebGl}>
          <p>{t.volume.noWebGlWhat}</p>
        </Notice>
        <Images {...props} />
      </div>
    );
  }
  if (wanted !== null && sets.some((set) => set.id === wanted)) return <Images {...props} before={VOLUME} />;
  return <Drawn {...props} result={result} choices={[VOLUME, ...sets]} />;
}

type DrawnProps = PicturesProps & { result: Result; choices: readonly { id: string; title: string }[] };

function Drawn({ result, choices, want, ...props }: DrawnProps): ReactElement {
  const me = useMe().data;
  useFiles(result);
  useShortcuts([{ keys: KEYS.picture.nextSet, run: () => want(setAfter(choices, VOLUME.id)) }]);
  if (!me) return <></>;
  return (
    <VolumeViewer
      key={result.id}
      result={result}
      me={me}
      choice={<SetChoice sets={choices} shown={VOLUME.id} want={want} />}
      otherwise={<Images {...props} result={result} want={want} />}
      waiting={<p className="waiting">{t.volume.opening}</p>}
    />
  );
}

/** What the viewer will ask for is on its way while the viewer itself is. */
function useFiles(result: Result): void {
  const name = (kind: (typeof NEEDED)[number]): string | null => fileOf(result, kind)?.name ?? null;
  useVolume(result.id, name("volume"));
  useVolume(result.id, name("segmentation"));
  useArtifact(result.id, name("segments"));
  useMasks(result.id);
}

export function hasVolume(result: Result): boolean {
  return NEEDED.every((kind) => fileOf(result, kind) !== undefined);
}

function fileOf(result: Result, kind: (typeof NEEDED)[number]): Result["artifacts"][number] | undefined {
  return result.artifacts.find((artifact) => artifact.kind === kind);
}

/** Asked with a canvas of its own, whose context is given back at once. */
function hasWebGl(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}
