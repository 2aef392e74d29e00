/** The tools over the photographs: heat-map, light, magnification, the visit beside today's, pictures to compare with. */
import type { ReactElement } from "react";

import type { Prior } from "../api/pictures";
import { Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { t } from "../text/messages";
import { HeatMapTool, RedFreeTool, ToneTools, ToolBar, ZoomTools } from "./Tools";
import type { Look } from "./useLook";
import { dayText } from "./visits";

type Props = {
  at: Look;
  hasHeatMap: boolean;
  visits: readonly Prior[];
  visit: string | null;
  setVisit: (id: string | null) => void;
  compares: boolean;
  setCompares: (compares: boolean) => void;
};

export function EyeTools({ at, hasHeatMap, visits, visit, setVisit, compares, setCompares }: Props): ReactElement {
  return (
    <ToolBar>
      <HeatMapTool at={at} hasHeatMap={hasHeatMap} />
      <RedFreeTool at={at} />
      <ToneTools at={at} />
      <ZoomTools at={at} />
      {visits.length === 0 ? null : (
        <label className="slider">
          {t.eyeTools.beside} <Key>{KEYS.eyes.visit[0]}</Key>
          <select className="input" value={visit ?? ""} onChange={(event) => setVisit(event.target.value || null)}>
            <option value="">{t.eyeTools.noVisit}</option>
            {visits.map((prior) => (
              <option key={prior.id} value={prior.id}>
                {dayText(prior)}
              </option>
            ))}
          </select>
        </label>
      )}
      <Button small aria-pressed={compares} onClick={() => setCompares(!compares)}>
        {t.eyeTools.compare} <Key>{KEYS.eyes.references[0]}</Key>
      </Button>
    </ToolBar>
  );
}
