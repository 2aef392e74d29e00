/** The readings of a study, one of them shown: its pictures on the left, reading, words and verdict on the right. */
import { useState, type ReactElement } from "react";
import { useSearch } from "wouter";

import type { Me, Slot, StudyDetail } from "../api/types";
import { BlindRoom } from "../blind/BlindRoom";
import { YouSaid } from "../blind/YouSaid";
import { Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { t } from "../text/messages";
import { signedText } from "./answer";
import { Downloads } from "./Downloads";
import { goesOn } from "./goingOn";
import { kindOf } from "./kinds";
import { Machine } from "./Machine";
import type { GoOn } from "./Outcome";
import { Proposed } from "./Proposed";
import { Provenance } from "./Provenance";
import { Questions } from "./Questions";
import {
  chosenQuestion,
  nameOfQuestion,
  nextUnsigned,
  questionAfter,
  questionsOf,
  shownResult,
  type Question,
} from "./questions";
import { unseenProposal, useSeen } from "./seen";
import { saySigned } from "./signed";
import { TwoReaders } from "./TwoReaders";
import type { Written } from "./useWord";
import { VIEWS } from "./views";
import { Word, Words } from "./Words";

/** PS3.3 C.7.3.1.1.1: ophthalmic photography. */
const PHOTOGRAPHS = "OP";

type RoomsProps = { study: StudyDetail; me: Me; next: (() => void) | null };

/** The readings of the study, one of them shown with its pictures, words and verdict. */
export function Rooms({ study, me, next }: RoomsProps): ReactElement {
  const [chosen, choose] = useState<string | null>(null);
  const jobId = new URLSearchParams(useSearch()).get("job");
  const questions = questionsOf(study);
  const question = chosenQuestion(questions, chosen, jobId);
  useShortcuts([
    {
      keys: KEYS.verdict.nextReading,
      run: () => choose(question === null ? null : (questionAfter(questions, question.slotId)?.slotId ?? null)),
    },
  ]);
  if (question === null) return <Unasked study={study} me={me} />;
  const slot = study.slots.find((one) => one.id === question.slotId) ?? null;
  if (slot?.withheld) {
    return (
      <>
        <Questions questions={questions} shown={question} choose={choose} />
        <BlindRoom key={slot.id} study={study} question={question} slot={slot} me={me} />
      </>
    );
  }
  return (
    <>
      <Questions questions={questions} shown={question} choose={choose} />
      <Room
        key={question.slotId}
        study={study}
        question={question}
        questions={questions}
        choose={choose}
        me={me}
        next={next}
      />
    </>
  );
}

/** A study that no model reads, or none yet. */
function Unasked({ study, me }: { study: StudyDetail; me: Me }): ReactElement {
  const [wanted, want] = useState<string | null>(null);
  const photographs = study.series.some((series) => series.modality === PHOTOGRAPHS);
  const { Pictures } = VIEWS[photographs ? "eyes" : "findings"];
  return (
    <div className="study-rooms">
      <Pictures study={study} result={null} wanted={wanted} want={want} />
      <aside className="side" aria-label={t.study.side}>
        <div className="side-scroll">
          <Machine unrouted={study.unrouted_reason} question={null} me={me} />
        </div>
      </aside>
    </div>
  );
}

type RoomProps = RoomsProps & {
  question: Question;
  questions: readonly Question[];
  choose: (slotId: string) => void;
};

function Room({ study, question, questions, choose, me, next }: RoomProps): ReactElement {
  const [wantsProposed, setWantsProposed] = useState(false);
  const [wanted, want] = useState<string | null>(null);
  const seen = useSeen(question.results);
  const proposed = question.results.find((one) => one.proposed) ?? null;
  const result = shownResult(question.results, wantsProposed);
  const read = study.slots.find((one) => one.id === question.slotId)?.blind_read ?? null;
  const { Pictures, Reading } = VIEWS[kindOf(question.pipeline)];
  const goOn = wayOn(nextUnsigned(questions, question.slotId, me.user_id), choose, next);
  const signed = (written: Written): void => {
    const patient = study.patient.patient_id || t.worklist.unknownPatient;
    const what = result === null ? "" : signedText(written.review, result);
    saySigned({ ...written, studyId: study.id, patient, what }, Date.now());
    if (goesOn()) goOn?.go();
  };
  return (
    <div className="study-rooms">
      <Pictures study={study} result={result} wanted={wanted} want={want} />
      <aside className="side" aria-label={t.study.side}>
        <div className="side-scroll">
          <Machine unrouted={study.unrouted_reason} question={question} me={me} />
          {proposed ? (
            <Proposed
              change={study.changes.find((one) => one.slot_id === question.slotId) ?? null}
              signed={question.reviews.some((review) => review.standing)}
              unseen={unseenProposal(question.results, seen.ids) !== null}
              wants={wantsProposed}
              want={(wants) => {
                setWantsProposed(wants);
                seen.open(proposed.id);
              }}
            />
          ) : null}
          {result ? (
            <>
              <TwoReaders slot={question.slot} result={result} reviews={question.reviews} me={me} />
              {read ? <YouSaid read={read} result={result} /> : null}
              <Reading study={study} result={result} questions={questions} choose={choose} want={want} />
              <Shadow slot={question.slot} />
              <Words study={study} result={result} reviews={question.reviews} me={me} />
              <Downloads result={result} />
              <Provenance result={result} />
            </>
          ) : null}
        </div>
        {result ? (
          <Word
            key={result.id}
            result={result}
            reviews={question.reviews}
            slot={question.slot}
            seenResults={seen.ids}
            me={me}
            goOn={goOn}
            signed={signed}
          />
        ) : null}
      </aside>
    </div>
  );
}

/** That a model on trial says otherwise is told in one line, behind the answer: it must not lead the reader. */
function Shadow({ slot }: { slot: Slot | null }): ReactElement {
  const differs = slot?.shadow_disagreement ?? null;
  if (differs === null) return <></>;
  return (
    <Notice tone="check" title={t.shadow.title}>
      <p>{t.shadow.what(differs.model_version, differs.headline)}</p>
    </Notice>
  );
}

/** First to what is still unread of this study, then to the next one. */
function wayOn(unsigned: Question | null, choose: (slotId: string) => void, next: (() => void) | null): GoOn | null {
  if (unsigned !== null) {
    const text = t.review.nextReading(nameOfQuestion(unsigned));
    return { text, key: KEYS.verdict.nextReading[0], go: () => choose(unsigned.slotId) };
  }
  return next === null ? null : { text: t.review.next, key: KEYS.verdict.nextStudy[0], go: next };
}
