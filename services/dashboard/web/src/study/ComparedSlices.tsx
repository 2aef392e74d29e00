/** The slices of two volumes, one at a time, with the number, what is marked, and what the maps' colours mean. */
import { useMemo, useState, type ReactElement } from "react";

import type { Volume } from "../picture/nifti";
import { planeOf } from "../picture/nifti";
import { areas, beginningSlice, markedBySlice, percentile, spans } from "../picture/planes";
import { Badge } from "../design/parts";
import { percent } from "../text/format";
import { t } from "../text/messages";
import { Compared, HeatBar, MAP_TOP } from "./Compared";
import type { PlaneName } from "./comparison";
import { Stage } from "./Stage";
import { Stepper, useSteps } from "./Stepper";
import type { Look } from "./useLook";

/** Percentile of the reconstruction that is shown white (pipelines/reconstruction_files.py). */
const WHITE = 0.995;

type Named = { name: PlaneName; volume: Volume };
type Props = {
  left: Named;
  right: Named;
  image: Volume;
  flags: Volume | null;
  wipe: number;
  setWipe: (share: number) => void;
  at: Look;
};

export function ComparedSlices({ left, right, image, flags, wipe, setWipe, at }: Props): ReactElement {
  const white = useMemo(() => percentile(image.values, WHITE), [image]);
  const marked = useMemo(
    () => (flags === null ? Array<number>(image.slices).fill(0) : markedBySlice(flags.values, flags.slices)),
    [flags, image.slices],
  );
  const [slice, go] = useState(() => beginningSlice(marked));
  useSteps(image.slices, slice, go);
  const planes = useMemo(
    () => ({
      left: { name: left.name, plane: planeOf(left.volume, slice) },
      right: { name: right.name, plane: planeOf(right.volume, slice) },
      flags: flags === null ? null : planeOf(flags, slice),
    }),
    [left.name, left.volume, right.name, right.volume, flags, slice],
  );
  const [stepX, stepY] = image.spacing;
  const legend = right.name === "uncertainty" || right.name === "residual" ? right.name : null;
  return (
    <figure className="slices">
      <figcaption className="slices-head">
        <Stepper count={image.slices} here={slice} go={go} />
        {planes.flags === null ? null : <Marked count={areas(planes.flags)} spans={spans(marked)} />}
        {legend === null ? null : <Legend name={legend} />}
      </figcaption>
      <Stage ratio={(image.width * stepX) / (image.height * stepY)} view={at.view} look={at.look}>
        {() => (
          <Compared
            left={planes.left}
            right={planes.right}
            flags={at.picture.overlay ? planes.flags : null}
            white={white}
            wipe={wipe}
            setWipe={setWipe}
            zoom={at.view.zoom}
            picture={at.picture}
          />
        )}
      </Stage>
      <div className="plane-names" aria-hidden="true">
        <span>{wipe > 0 ? t.compared.planes[left.name] : ""}</span>
        <span>{wipe < 1 ? t.compared.planes[right.name] : ""}</span>
      </div>
    </figure>
  );
}

function Marked({ count, spans: slices }: { count: number; spans: string }): ReactElement {
  return (
    <>
      <Badge icon={count > 0 ? "check" : "signed"} tone={count > 0 ? "check" : "muted"}>
        {count > 0 ? t.compared.marked(count) : t.compared.unmarked}
      </Badge>
      {slices === "" ? null : <span className="tone-muted small">{t.compared.slices(slices)}</span>}
    </>
  );
}

function Legend({ name }: { name: "uncertainty" | "residual" }): ReactElement {
  return (
    <span className="legend small">
      <span className="tone-muted">{t.compared.legend[name]}</span>
      <span>{percent(0)}</span>
      <HeatBar />
      <span>{percent(MAP_TOP)}</span>
    </span>
  );
}
