/** Where a rule asks for two readers: who is awaited and why, and the two words side by side where they differ. */
import type { ReactElement } from "react";

import { useReasons } from "../api/queries";
import type { Me, Reason, Result, Review, Slot } from "../api/types";
import { Notice } from "../design/parts";
import { t } from "../text/messages";
import { fieldKey } from "./edits";
import { labelText, sideText } from "./findings";
import { kindOf } from "./kinds";
import { saidText } from "./said";
import { said, type Said } from "./sideBySide";
import { words } from "./signers";

type Props = { slot: Slot | null; result: Result; reviews: readonly Review[]; me: Me };

export function TwoReaders({ slot, result, reviews, me }: Props): ReactElement {
  const reasons = useReasons();
  const stand = words(reviews);
  const mine = stand.some((word) => word.user.id === me.user_id);
  const first = stand[0];
  if (slot?.review_state === "second_read" && first !== undefined) {
    return (
      <Notice tone="urgent" title={t.second.asked}>
        <p>{mine ? t.second.yours : t.second.theirs(first.user.name)}</p>
        <p>{t.second.why[slot.second_read?.reason ?? ""]}</p>
      </Notice>
    );
  }
  if (slot?.review_state !== "adjudication") return <></>;
  return (
    <Notice tone="urgent" title={t.second.differ}>
      <p>{mine ? t.second.third : t.second.decide}</p>
      <Words result={result} stand={stand} reasons={reasons.data ?? []} />
    </Notice>
  );
}

function Words({ result, stand, reasons }: { result: Result; stand: Review[]; reasons: readonly Reason[] }): ReactElement {
  const rows = said(result, stand);
  return (
    <table className="two-readers">
      <caption className="hidden-visually">{t.second.words}</caption>
      <thead>
        <tr>
          <th scope="col">{t.second.finding}</th>
          <th scope="col">{t.second.machine}</th>
          {stand.map((word) => (
            <th key={word.id} scope="col">
              {word.user.name}
              <span className="tone-muted small">{word.verdict === null ? "" : t.verdict[word.verdict]}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Line key={fieldKey(row.finding.label, row.finding.laterality ?? null)} row={row} result={result} />
        ))}
        <tr>
          <th scope="row">{t.review.reason}</th>
          <td>{t.none}</td>
          {stand.map((word) => (
            <td key={word.id}>
              <p>{reasons.find((one) => one.code === word.reason)?.sentence ?? word.reason ?? t.none}</p>
              {word.comment === null ? null : <blockquote>{word.comment}</blockquote>}
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  );
}

/** One finding as each says it; where the readers differ it says so in words for the eye and the ear: by weight. */
function Line({ row, result }: { row: Said; result: Result }): ReactElement {
  const side = row.finding.laterality ?? null;
  const kind = kindOf(result.pipeline);
  const name = labelText(row.finding);
  const show = (value: number | string | null): string =>
    saidText(row.finding.label, value, row.finding.unit ?? null);
  return (
    <tr className={row.differ ? "differs" : undefined}>
      <th scope="row">
        {side === null && kind !== "eyes" ? name : `${sideText(kind, side)}: ${name}`}
        {row.differ ? " ≠" : ""}
      </th>
      {row.values.map((value, place) => (
        <td key={place}>{show(value)}</td>
      ))}
    </tr>
  );
}
