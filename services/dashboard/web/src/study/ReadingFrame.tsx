/** What every reading says first: how soon to look, whether the model abstained or saw such pictures, and trust in its map. */
import type { ReactElement, ReactNode } from "react";

import type { Result } from "../api/types";
import { Badge, Notice } from "../design/parts";
import { sentence } from "../text/format";
import { t } from "../text/messages";
import { unfamiliar } from "./familiarity";

type Props = { result: Result; children: ReactNode };

export function ReadingFrame({ result, children }: Props): ReactElement {
  return (
    <section className="panel" aria-labelledby="reading-title">
      <div className="row row-apart">
        <h2 id="reading-title">{t.reading.title}</h2>
        <span title={t.urgency[`${result.urgency}Why`]}>
          <Badge icon={result.urgency} tone={result.urgency}>
            {t.urgency[result.urgency]}
          </Badge>
        </span>
      </div>
      {result.abstained ? (
        <Notice tone="check" title={t.reading.abstained}>
          <p>{abstainReason(result.abstain_reason)}</p>
          <p>{t.reading.abstainedWhat}</p>
        </Notice>
      ) : null}
      <Unfamiliar result={result} />
      {children}
      <Unreliable result={result} />
    </section>
  );
}

export function abstainReason(reason: string | null): string {
  if (reason === null) return t.reading.noReason;
  return t.abstainReasons[reason] ?? sentence(reason.replaceAll("_", " "));
}

function Unfamiliar({ result }: { result: Result }): ReactElement {
  const told = unfamiliar(result);
  if (told === null) return <></>;
  return (
    <Notice tone="check" title={told.title}>
      {told.sentences.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <p>{t.familiarity.means}</p>
    </Notice>
  );
}

/** A result without a heat-map has none to distrust. */
export function hasHeatMap(result: Result): boolean {
  return result.explanation !== null && result.explanation.method !== "none";
}

function Unreliable({ result }: { result: Result }): ReactElement {
  const unreliable = result.images.filter((image) => image.explanation && !image.explanation.reliable);
  if (unreliable.length === 0 || !hasHeatMap(result)) return <></>;
  const notes = new Set(unreliable.map((image) => image.explanation?.note ?? t.trust.noNote));
  return (
    <Notice tone="urgent" title={t.trust.unreliable}>
      {[...notes].map((note) => (
        <p key={note}>{sentence(note)}</p>
      ))}
    </Notice>
  );
}
