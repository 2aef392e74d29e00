/** One row of the worklist. */
import { memo, useLayoutEffect, useRef, type ReactElement, type ReactNode } from "react";
import { Link } from "wouter";

import type { WorklistRow } from "../api/types";
import { Age } from "../design/Age";
import { Badge } from "../design/parts";
import { percent, personName } from "../text/format";
import { t } from "../text/messages";
import { nameOfPipeline } from "../study/questions";
import { failureCode, findingText, notesOf, readingPath, stateMark, urgencyMarks, type Mark } from "./rows";

type Props = {
  row: WorklistRow;
  index: number;
  measure: (row: HTMLTableRowElement | null) => void;
  chosen: boolean;
  choose: () => void;
  marked: boolean | null;
  mark: (through: boolean) => void;
};

/** The line above all rows is the first that a screen reader counts. */
const HEADER_LINES = 1;

export const Row = memo(RowOf, (before, after) => {
  const same = ["row", "index", "chosen", "marked"] as const;
  return same.every((name) => before[name] === after[name]);
});

function RowOf({ row, index, measure, chosen, choose, marked, mark }: Props): ReactElement {
  const place = useRef<HTMLTableRowElement>(null);
  useLayoutEffect(() => measure(place.current));
  const failure = failureCode(row);
  const confidence = row.confidence === null ? null : percent(row.confidence);
  const patient = row.patient.patient_id || t.worklist.unknownPatient;
  const classes = [chosen ? "chosen" : "", marked === true ? "marked" : ""].filter(Boolean).join(" ");
  return (
    <tr
      ref={place}
      data-index={index}
      aria-rowindex={index + 1 + HEADER_LINES}
      className={classes || undefined}
      onMouseDown={choose}
    >
      {marked === null ? null : (
        <td>
          <input
            type="checkbox"
            aria-label={t.marks.mark(patient)}
            checked={marked}
            onChange={(event) => mark((event.nativeEvent as MouseEvent).shiftKey)}
          />
        </td>
      )}
      <td>
        {urgencyMarks(row).map((mark) => (
          <MarkBadge key={mark.text} mark={mark} />
        ))}
      </td>
      <td>
        <Link href={readingPath(row)} className="patient" aria-label={t.worklist.open(patient)} onFocus={choose}>
          {patient}
        </Link>
        <Muted>{row.patient.name ? personName(row.patient.name) : null}</Muted>
      </td>
      <td>
        {findingText(row)}
        <Muted>
          {readBy(row)} {failure === null ? null : <code>{failure}</code>}
          {confidence === null ? null : <span className="where-narrow"> · {t.worklist.confident(confidence)}</span>}
        </Muted>
        {notesOf(row).map((note) => (
          <MarkBadge key={note.text} mark={note} />
        ))}
      </td>
      <td className="column-confidence">{confidence ?? t.none}</td>
      <td>
        <MarkBadge mark={stateMark(row)} />
      </td>
      <td>{row.assignee_name ?? t.assignee.nobody}</td>
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

function Muted({ children }: { children: ReactNode }): ReactElement {
  return children === null ? <></> : <div className="tone-muted">{children}</div>;
}

function MarkBadge({ mark }: { mark: Mark }): ReactElement {
  return (
    <span className="mark" title={mark.why}>
      <Badge icon={mark.icon} tone={mark.tone}>
        {mark.text}
      </Badge>
    </span>
  );
}
