/** One study: whose it is, the way to its neighbours in the worklist, and its readings. */
import { useState, type ReactElement } from "react";
import { Link, useLocation } from "wouter";

import { rowsOf, useStudy, useWorklist } from "../api/queries";
import type { Me, StudyDetail } from "../api/types";
import { LoadFailed, Stale } from "../design/LoadFailed";
import { Button, Key, Notice } from "../design/parts";
import { KEYS } from "../keys/bindings";
import { useShortcuts } from "../keys/keys";
import { day, dayHere, personName, sentence } from "../text/format";
import { t } from "../text/messages";
import { keptFilters } from "../worklist/filters";
import { useAhead } from "./ahead";
import { nextToRead } from "./goingOn";
import { neighbours } from "./neighbours";
import { Rooms } from "./Rooms";
import { SignedToast } from "./SignedToast";
import "./study.css";
import "./reading.css";
import "./verdict.css";
import "./narrow.css";

export default function StudyPage({ id, me }: { id: string; me: Me }): ReactElement {
  const study = useStudy(id);
  const [, goTo] = useLocation();
  const [filters] = useState(keptFilters);
  const rows = rowsOf(useWorklist(filters).data);
  const around = neighbours(rows, id);
  const following = nextToRead(rows, id);
  useAhead(following);
  const open = (other: string | null): void => {
    if (other !== null) goTo(`/studies/${other}`);
  };
  useShortcuts([
    { keys: KEYS.verdict.nextStudy, run: () => open(around.next) },
    { keys: KEYS.verdict.previousStudy, run: () => open(around.previous) },
    { keys: KEYS.verdict.report, run: () => goTo(`/studies/${id}/report`) },
    { keys: KEYS.verdict.back, run: () => goTo("/") },
  ]);

  // What was loaded once stays, whatever a later refresh meets: the form below holds what the reader typed.
  if (study.data === undefined) {
    if (study.isPending) return <p className="waiting">{t.loading}</p>;
    return <LoadFailed error={study.error} again={() => void study.refetch()} back={{ to: "/", name: t.back }} />;
  }
  const next = around.next;
  return (
    <div className="study">
      <div>
        <Stale error={study.error} />
        <Lacks study={study.data} />
      </div>
      <Head study={study.data} previous={around.previous} next={next} open={open} />
      <Rooms study={study.data} me={me} next={following === null ? null : () => open(following)} />
      <SignedToast />
    </div>
  );
}

/** What of the study's images is not here, and why: it never came, or it was removed. */
function Lacks({ study }: { study: StudyDetail }): ReactElement {
  return (
    <>
      {study.incomplete === null ? null : (
        <Notice tone="urgent" title={t.study.incomplete}>
          <p>{sentence(study.incomplete)}</p>
        </Notice>
      )}
      {study.erased_at === null ? null : (
        <Notice tone="muted" title={t.study.erased(day(study.erased_at))}>
          <p>{t.study.erasedWhat}</p>
        </Notice>
      )}
    </>
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
    study.study_date === null ? t.study.sent(dayHere(study.created_at)) : t.study.taken(day(study.study_date)),
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
        <Link href={`/studies/${study.id}/report`} className="button button-small" title={t.report.openWhy}>
          {t.report.open} <Key>R</Key>
        </Link>
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
