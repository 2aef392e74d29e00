/** The SVG filters that pictures are shown through: the green channel alone, and the strong places of a heat-map alone. */
import type { ReactElement } from "react";

import { shownLevels } from "./picture";

type Props = { /** The share of a heat-map's strongest place below which nothing of it is shown. */ from: number };

export function PictureFilters({ from }: Props): ReactElement {
  return (
    <svg className="hidden-visually" aria-hidden="true">
      {/* What a red-free filter in front of the camera shows, as grey. */}
      <filter id="red-free" colorInterpolationFilters="sRGB">
        <feColorMatrix type="matrix" values="0 1 0 0 0  0 1 0 0 0  0 1 0 0 0  0 0 0 1 0" />
      </filter>
      {/* A heat-map's opacity is the map itself (pipelines/imaging/heatmap.py). */}
      <filter id="heat-from" colorInterpolationFilters="sRGB">
        <feComponentTransfer>
          <feFuncA type="discrete" tableValues={shownLevels(from).join(" ")} />
        </feComponentTransfer>
      </filter>
    </svg>
  );
}
