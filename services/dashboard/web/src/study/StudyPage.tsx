/** One study: the photographs on the left, the machine's reading, the reader's word and the history on the right. */
import { useState, type ReactElement } from "react";
import { Link, useLocation, useSearch } from "wouter";

import { rowsOf, useReasons, useReview, useStudy, useWorklist } from "../api/queries";
import type { Me, Result, Review, StudyDetail } from "../api/types";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { Button, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { day, personName, sentence } from "../text/format";
import { t } from "../text/messages";
import { keptFilters } from "../worklist/filters";
import { Downloads } from "./Downloads";
import { History } from "./History";
import { kindOf } from "./kinds";
import { Machine } from "./Machine";
import { neighbours } from "./neighbours";
import type { GoOn } from "./Outcome";
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
import { VerdictForm } from "./VerdictForm";
import { VIEWS } from "./views";
import "./study.css";

export default function StudyPage({ id, me }: { id: string; me: Me }): ReactElement {
  const study = useStudy(id);
  const [, goTo] = useLocation();
  const [filters] = useState(keptFilters);
  const around = neighbours(rowsOf(useWorklist(filters).data), id);
  const open = (other: string | null): void => {
    if (other !== null) goTo(`/studies/${other}`);
  };
  useShortcuts([
    { keys: KEYS.verdict.nextStudy, run: () => open(around.next) },
    { keys: KEYS.verdict.previousStudy, run: () => open(around.previous) },
    { keys: KEYS.verdict.back, run: () => goTo("/") },
  ]);

  // What was loaded once stays, whatever a later refresh meets: the form below holds what the reader typed.
  if (study.data === undefined) {
    if (study.isPending) return <p className="waiting">{t.loading}</p>;
    return <LoadFailed error={study.error} again={() => void study.refetch()} />;
  }
  const next = around.next;
  return (
    <div className="study">
      <Stale error={study.error} />
      <Head study={study.data} previous={around.previous} next={next} open={open} />
      <Rooms study={study.data} me={me} next={next === null ? null : () => open(next)} />
    </div>
  );
}

type HeadProps = {
  study: StudyDetail;
  previous: string | null;
  next: string | null;
  open: (id: string | null) => void;
};

function Head({ study, previous, next, open }: HeadProps): ReactElement {
  const { patient } = study;
  const about = [
    patient.name === null ? null : personName(patient.name),
    patient.birth_date === null ? null : t.study.born(day(patient.birth_date)),
    patient.sex,
    study.study_date === null ? null : t.study.taken(day(study.study_date)),
    study.description,
  ].filter(Boolean);
  return (
    <header className="study-head">
      <Link href="/" className="button button-quiet button-small" title={t.back}>
        ← {t.nav.worklist} <Key>{t.keys.name("Escape")}</Key>
      </Link>
      <h1>{patient.patient_id || t.worklist.unknownPatient}</h1>
      <span className="tone-muted">{about.join(" · ")}</span>
      <div className="row study-steps">
        <Button small disabled={previous === null} onClick={() => open(previous)}>
          {t.study.previous} <Key>p</Key>
        </Button>
        <Button small disabled={next === null} onClick={() => open(next)}>
          {t.study.next} <Key>n</Key>
        </Button>
      </div>
    </header>
  );
}

type RoomsProps = { study: StudyDetail; me: Me; next: (() => void) | null };

/** The readings of the study, one of them shown with its pictures, words and verdict. */
function Rooms({ study, me, next }: RoomsProps): ReactElement {
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
  return (
    <>
      <Questions questions={questions} shown={question} choose={choose} />
      <Room key={question.slotId} study={study} question={question} questions={questions} choose={choose} me={me} next={next} />
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

/** PS3.3 C.7.3.1.1.1: ophthalmic photography. */
const PHOTOGRAPHS = "OP";

type RoomProps = RoomsProps & {
  question: Question;
  questions: readonly Question[];
  choose: (slotId: string) => void;
};

function Room({ study, question, questions, choose, me, next }: RoomProps): ReactElement {
  const [wantsProposed, setWantsProposed] = useState(false);
  const [wanted, want] = useState<string | null>(null);
  const result = shownResult(question.results, wantsProposed);
  const { Pictures, Reading } = VIEWS[kindOf(question.pipeline)];
  const goOn = wayOn(nextUnsigned(questions, question.slotId), choose, next);
  return (
    <div className="study-rooms">
      <Pictures study={study} result={result} wanted={wanted} want={want} />
      <aside className="side" aria-label={t.study.side}>
        <div className="side-scroll">
          <Machine unrouted={study.unrouted_reason} question={question} me={me} />
          {question.results.some((one) => one.proposed) ? (
            <Proposed wants={wantsProposed} want={setWantsProposed} />
          ) : null}
          {result ? (
            <>
              <Reading study={study} result={result} questions={questions} choose={choose} want={want} />
              <Words study={study} result={result} reviews={question.reviews} me={me} />
              <Downloads result={result} />
              <Provenance result={result} />
            </>
          ) : null}
        </div>
        {result ? <Word key={result.id} result={result} reviews={question.reviews} me={me} goOn={goOn} /> : null}
      </aside>
    </div>
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

function Proposed({ wants, want }: { wants: boolean; want: (wants: boolean) => void }): ReactElement {
  return (
    <Notice tone="urgent" title={t.study.proposed}>
      <p>{t.study.proposedWhat}</p>
      <Button small aria-pressed={wants} onClick={() => want(!wants)}>
        {wants ? t.study.showSigned : t.study.showProposed}
      </Button>
    </Notice>
  );
}

type WordProps = { result: Result; reviews: readonly Review[]; me: Me };

function Words({ study, result, reviews, me }: WordProps & { study: StudyDetail }): ReactElement {
  const reasons = useReasons();
  const undo = useReview(study.id, result.id);
  const takeBack = (): void =>
    undo.mutate({
      action: "undo",
      verdict: null,
      reason: null,
      findings: [],
      comment: null,
      base_review_id: reviews.at(-1)?.id ?? null,
    });
  return (
    <>
      <History
        result={result}
        reviews={reviews}
        reasons={reasons.data ?? []}
        userId={me.user_id}
        undo={me.role === "technician" || undo.isPending ? null : takeBack}
      />
      {undo.isError ? (
        <Notice tone="stat" title={t.history.notUndone}>
          <p>{sentence(undo.error.message)}</p>
        </Notice>
      ) : null}
    </>
  );
}

function Word({ result, reviews, me, goOn }: WordProps & { goOn: GoOn | null }): ReactElement {
  const reasons = useReasons();
  if (me.role === "technician") return <p className="panel tone-muted">{t.review.onlyClinicians}</p>;
  return <VerdictForm me={me} result={result} reviews={reviews} reasons={reasons.data ?? []} goOn={goOn} />;
}
