/** One row of the worklist. */
import { useEffect, useRef, type ReactElement } from "react";
import { Link } from "wouter";

import type { WorklistRow } from "../api/types";
import { Age } from "../design/Age";
import { Badge } from "../design/parts";
import { percent, personName } from "../text/format";
import { t } from "../text/messages";
import { nameOfPipeline } from "../study/questions";
import { findingText, readingPath, stateMark, urgencyMark, type Mark } from "./rows";

type Props = { row: WorklistRow; chosen: boolean; choose: () => void };

export function Row({ row, chosen, choose }: Props): ReactElement {
  const place = useRef<HTMLTableRowElement>(null);
  const wasChosen = useRef(chosen);
  useEffect(() => {
    if (chosen && !wasChosen.current) place.current?.querySelector("a")?.focus();
    wasChosen.current = chosen;
  }, [chosen]);
  const patient = row.patient.patient_id || t.worklist.unknownPatient;
  return (
    <tr ref={place} className={chosen ? "chosen" : undefined} onMouseDown={choose}>
      <td>
        <MarkBadge mark={urgencyMark(row)} />
      </td>
      <td>
        <Link href={readingPath(row)} className="patient" aria-label={t.worklist.open(patient)} onFocus={choose}>
          {patient}
        </Link>
        {row.patient.name ? <div className="tone-muted">{personName(row.patient.name)}</div> : null}
      </td>
      <td>
        {findingText(row)}
        <div className="tone-muted">{readBy(row)}</div>
        {row.incomplete ? (
          <span title={row.incomplete}>
            <Badge icon="incomplete" tone="urgent">
              {t.worklist.incomplete}
            </Badge>
          </span>
        ) : null}
        {row.change ? (
          <Badge icon="changed" tone="urgent">
            {t.change.told(row.change, row.change_headline)}
          </Badge>
        ) : row.proposed_result_id ? (
          <Badge icon="info" tone="urgent">
            {t.worklist.proposed}
          </Badge>
        ) : null}
      </td>
      <td>{row.confidence === null ? t.none : percent(row.confidence)}</td>
      <td>
        <MarkBadge mark={stateMark(row)} />
      </td>
      <td>
        <Age since={row.created_at} />
      </td>
    </tr>
  );
}

function readBy(row: WorklistRow): string {
  const pipeline = row.pipeline === null ? null : nameOfPipeline(row.pipeline);
  return [row.modality, pipeline].filter(Boolean).join(" · ");
}

function MarkBadge({ mark }: { mark: Mark }): ReactElement {
  return (
    <span title={mark.why}>
      <Badge icon={mark.icon} tone={mark.tone}>
        {mark.text}
      </Badge>
    </span>
  );
}
