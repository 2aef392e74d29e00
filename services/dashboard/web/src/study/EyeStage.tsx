/** A fundus photograph on its stage, the heat-map exactly over it. */
import { useState, type ReactElement } from "react";

import { renderedUrl } from "../api/address";
import { t } from "../text/messages";
import type { HeatMapFile } from "./heatMapOf";
import { HeatMap } from "./HeatMap";
import { Photo } from "./Photo";
import type { Photograph } from "./photographs";
import type { Picture } from "./picture";
import { Stage } from "./Stage";
import type { View } from "./view";

type Props = {
  photograph: Photograph;
  resultId: string | null;
  heatMap: HeatMapFile | null;
  picture: Picture;
  view: View;
  look: (change: (view: View) => View) => void;
};

export function EyeStage({ photograph, resultId, heatMap, picture, view, look }: Props): ReactElement {
  const [there, setThere] = useState(false);
  return (
    <Stage ratio={photograph.columns / photograph.rows} view={view} look={look}>
      {(width) => (
        <>
          <Photo
            id={photograph.instanceId}
            url={renderedUrl(photograph.instanceId, width)}
            alt={t.study.photograph(t.eyes[photograph.side])}
            picture={picture}
            arrived={() => setThere(true)}
          />
          {there && heatMap !== null && resultId !== null && picture.overlay ? (
            <HeatMap
              resultId={resultId}
              name={heatMap.name}
              opacity={picture.opacity}
              from={heatMap.alone ? picture.from : 0}
            />
          ) : null}
        </>
      )}
    </Stage>
  );
}
