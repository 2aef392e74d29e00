/** One study: the photographs on the left, the machine's reading, the reader's word and the history on the right. */
import { useState, type ReactElement } from "react";
import { Link, useLocation } from "wouter";

import { rowsOf, useReasons, useReview, useStudy, useWorklist } from "../api/queries";
import type { Me, Result, Review, StudyDetail } from "../api/types";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { Button, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { day, personName, sentence } from "../text/format";
import { t } from "../text/messages";
import { keptFilters } from "../worklist/filters";
import { History } from "./History";
import { Machine } from "./Machine";
import { neighbours } from "./neighbours";
import { shownResult } from "./photographs";
import { Provenance } from "./Provenance";
import { Reading } from "./Reading";
import { VerdictForm } from "./VerdictForm";
import { Viewer } from "./Viewer";
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
      <Rooms study={study.data} me={me} goOn={next === null ? null : () => open(next)} />
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

type RoomsProps = { study: StudyDetail; me: Me; goOn: (() => void) | null };

function Rooms({ study, me, goOn }: RoomsProps): ReactElement {
  const [wantsProposed, setWantsProposed] = useState(false);
  const result = shownResult(study.results, wantsProposed);
  const proposed = study.results.some((one) => one.proposed);
  return (
    <div className="study-rooms">
      <Viewer study={study} result={result} />
      <aside className="side" aria-label={t.study.side}>
        <div className="side-scroll">
          <Machine study={study} hasResult={result !== null} me={me} />
          {proposed ? (
            <Notice tone="urgent" title={t.study.proposed}>
              <p>{t.study.proposedWhat}</p>
              <Button small aria-pressed={wantsProposed} onClick={() => setWantsProposed(!wantsProposed)}>
                {wantsProposed ? t.study.showSigned : t.study.showProposed}
              </Button>
            </Notice>
          ) : null}
          {result ? <Reading result={result} /> : null}
          {result ? <Words study={study} result={result} me={me} /> : null}
          {result ? <Provenance result={result} /> : null}
        </div>
        {result ? <Word key={result.id} study={study} result={result} me={me} goOn={goOn} /> : null}
      </aside>
    </div>
  );
}

/** The reviews of the question this result answers; a study may hold answers to several. */
function reviewsOf(study: StudyDetail, result: Result): Review[] {
  const results = new Set(study.results.filter((one) => one.pipeline === result.pipeline).map((one) => one.id));
  return study.reviews.filter((review) => results.has(review.result_id)).sort((a, b) => a.number - b.number);
}

type WordProps = { study: StudyDetail; result: Result; me: Me };

function Words({ study, result, me }: WordProps): ReactElement {
  const reasons = useReasons();
  const reviews = reviewsOf(study, result);
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

function Word({ study, result, me, goOn }: WordProps & { goOn: (() => void) | null }): ReactElement {
  const reasons = useReasons();
  if (me.role === "technician") return <p className="panel tone-muted">{t.review.onlyClinicians}</p>;
  return (
    <VerdictForm
      me={me}
      result={result}
      reviews={reviewsOf(study, result)}
      reasons={reasons.data ?? []}
      goOn={goOn}
    />
  );
}
