/** The heat-map over the photograph: the artifact covers the whole picture, so it lies on it point for point. */
import type { ReactElement } from "react";

import { API, artifactPath } from "../api/address";
import { t } from "../text/messages";

type Props = { resultId: string; name: string; opacity: number; from: number };

export function HeatMap({ resultId, name, opacity, from }: Props): ReactElement {
  return (
    <img
      className={from > 0 ? "heat-map heat-map-cut" : "heat-map"}
      src={`${API}${artifactPath(resultId, name)}`}
      alt={t.study.heatMap}
      draggable={false}
      style={{ opacity }}
    />
  );
}
