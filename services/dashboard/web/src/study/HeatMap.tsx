/** The heat-map over the photograph: the artifact covers the whole picture, so it lies on it point for point. */
import type { ReactElement } from "react";

import { API, artifactPath } from "../api/client";
import { t } from "../text/messages";

type Props = { resultId: string; name: string; opacity: number };

export function HeatMap({ resultId, name, opacity }: Props): ReactElement {
  return (
    <img
      className="heat-map"
      src={`${API}${artifactPath(resultId, name)}`}
      alt={t.study.heatMap}
      draggable={false}
      style={{ opacity }}
    />
  );
}
