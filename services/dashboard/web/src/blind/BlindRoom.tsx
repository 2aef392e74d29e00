/** A question whose answer is withheld: its pictures alone, and the form for the reader's own word. */
import { useState, type ReactElement } from "react";

import type { Slot } from "../api/blind";
import type { Me, StudyDetail } from "../api/types";
import { Notice } from "../design/parts";
import { kindOf } from "../study/kinds";
import { Machine } from "../study/Machine";
import type { Question } from "../study/questions";
import { VIEWS } from "../study/views";
import { t } from "../text/messages";
import { BlindForm } from "./BlindForm";

type Props = { study: StudyDetail; question: Question; slot: Slot; me: Me };

export function BlindRoom({ study, question, slot, me }: Props): ReactElement {
  const [wanted, want] = useState<string | null>(null);
  const { Pictures } = VIEWS[kindOf(question.pipeline)];
  return (
    <div className="study-rooms">
      <Pictures study={study} result={null} wanted={wanted} want={want} />
      <aside className="side" aria-label={t.study.side}>
        <div className="side-scroll">
          {slot.answered ? null : (
            <>
              <Machine unrouted={study.unrouted_reason} question={question} me={me} />
              <Notice tone="muted" title={t.blind.on}>
                <p>{t.blind.waiting}</p>
              </Notice>
            </>
          )}
          {slot.answered && me.role === "technician" ? (
            <Notice tone="muted" title={t.blind.on}>
              <p>{t.blind.onlyReaders}</p>
            </Notice>
          ) : null}
          {slot.answered && me.role !== "technician" ? <BlindForm studyId={study.id} slot={slot} me={me} /> : null}
        </div>
      </aside>
    </div>
  );
}
