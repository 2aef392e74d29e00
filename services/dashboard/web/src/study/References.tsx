/** One grade at a time: what it means, our drawing of it, and photographs that readers of this site confirmed. */
import { useState, type ReactElement } from "react";

import { renderedUrl } from "../api/address";
import { useReferences } from "../api/pictures";
import type { StudyDetail } from "../api/types";
import { LoadFailed } from "../design/LoadFailed";
import { Button, Key } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { t } from "../text/messages";
import { Schema } from "./Schema";

const PIPELINE = "retinopathy";
/** As wide as the panel on a screen of two pixels a point. */
const WIDTH = 640;

type Props = { study: StudyDetail; /** The grade to begin with. */ begin: number; close: () => void };

export function References({ study, begin, close }: Props): ReactElement {
  const [grade, choose] = useState(begin);
  return (
    <aside className="references" aria-label={t.references.title}>
      <div className="row row-apart">
        <h2>{t.references.title}</h2>
        <Button kind="quiet" small onClick={close}>
          {t.close} <Key>{KEYS.eyes.references[0]}</Key>
        </Button>
      </div>
      <div className="row" role="group" aria-label={t.references.choose}>
        {t.references.definitions.map((_, number) => (
          <Button key={number} small aria-pressed={number === grade} onClick={() => choose(number)}>
            {number}
          </Button>
        ))}
      </div>
      <h3>{t.grades.dr_grade[grade]}</h3>
      <p>{t.references.definitions[grade]}</p>
      <p className="tone-muted small">{t.references.source}</p>
      <figure className="reference">
        <Schema grade={grade} />
        <figcaption className="tone-muted small">{t.references.drawn}</figcaption>
      </figure>
      <Photographs study={study} grade={grade} />
    </aside>
  );
}

function Photographs({ study, grade }: { study: StudyDetail; grade: number }): ReactElement {
  const found = useReferences(PIPELINE, study.id);
  if (found.isError) return <LoadFailed error={found.error} again={() => void found.refetch()} />;
  if (found.isPending) return <p className="tone-muted">{t.loading}</p>;
  const pictures = found.data.find((one) => one.grade === grade)?.pictures ?? [];
  if (pictures.length === 0) return <p className="tone-muted">{t.references.none}</p>;
  return (
    <>
      {pictures.map((picture, place) => (
        <figure key={picture.instance_id} className="reference">
          <img
            src={renderedUrl(picture.instance_id, WIDTH)}
            alt={t.references.photograph(grade, place + 1)}
            loading="lazy"
          />
          <figcaption className="tone-muted small">{t.references.signed}</figcaption>
        </figure>
      ))}
    </>
  );
}
