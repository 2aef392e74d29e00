"""Closes studies: asked to, or because nothing more came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.settings import Settings
from services.store import audit, closing, completeness, outbox, studies, worklist
from services.store.closing import Patience
from services.store.completeness import Assessment
from services.store.session import unit_of_work
from services.store.states import StudyState
from services.store.stores import Store
from services.store.tables import Study
from services.work.bell import Rings
from services.work.route import route

#: Who closes a study that went quiet.
SYSTEM = "system"
QUIET_BATCH = 100
#: Why no pipeline reads a study that a batch has fetched, besides the batch.
FETCHED = "it was fetched for a batch, which alone reads it"
#: A study sent with `complete=no` waits for `complete`; a sender that died never calls it, and nobody would read it.
HOLD_SECONDS = 3600.0
#: No study waits longer than this for images that are known to be missing, whatever the setting says.
LONGEST_WAIT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class StudyAnswer:
    """What a sender learns of a study it sent to; `jobs` are the newest ones of each of its questions."""

    id: str
    study_instance_uid: str
    state: StudyState
    jobs: tuple[str, ...]
    incomplete: str | None = None  # what is missing, where that is known


def complete(store: Store, bell: Rings, study_id: str, actor: str, expected: int | None = None) -> StudyAnswer:
    """Close a study now and queue its jobs; one that is closed already stays as it is. Raises NotFound.

    `expected` is how many images the sender says there are; with fewer the study is marked incomplete.
    """
    with unit_of_work(store.database) as session:
        study = studies.lock_study(session, study_id)
        if expected is not None:
            study.expected_count = expected
        if study.state != StudyState.COMPLETE:
            _close(session, bell, study, actor, completeness.assess(session, study))
        elif expected is not None:
            _mark(session, study, completeness.assess(session, study))
        return answer(session, study)


def shelve(store: Store, study_id: str, fetchers: str, actor: str) -> None:
    """Close a study that batches alone have brought in, which only they read.

    One that somebody else has sent images of too is that sender's: it closes after the quiet time, and is read live.
    `fetchers` is how the names of all batches begin as actors.
    """
    with unit_of_work(store.database) as session:
        study = studies.lock_study(session, study_id)
        if study.state == StudyState.COMPLETE:
            return
        if closing.was_sent_beside(session, study_id, fetchers):
            study.hold = False
            return
        study.unrouted_reason, study.batch_only = FETCHED, True
        assessment = completeness.assess(session, study)
        completeness.mark(session, study, assessment)
        studies.close_study(session, study_id)
        _tell_closed(session, study, actor, assessment, [])


def close_quiet(store: Store, bell: Rings, settings: Settings) -> list[str]:
    """Close studies that took no instance for the quiet time; returns their ids. Harmless to run twice at once.

    A study that is known to lack images is marked and waits for them, as long as OVERREAD_INCOMPLETE_SECONDS says.
    """
    waiting = min(settings.incomplete_seconds, LONGEST_WAIT_SECONDS)
    patience = Patience(settings.quiet_seconds, waiting, HOLD_SECONDS)
    with unit_of_work(store.database, writing=False) as session:
        due = closing.due_for_closing(session, patience, QUIET_BATCH)
    return [study_id for study_id in due if _close_if_due(store, bell, study_id, patience)]


def _close_if_due(store: Store, bell: Rings, study_id: str, patience: Patience) -> bool:
    with unit_of_work(store.database) as session:
        study = studies.lock_study(session, study_id)
        if not closing.is_due(session, study_id, patience):
            return False
        assessment = completeness.assess(session, study)
        if not assessment.is_whole and _may_wait(study, patience):
            _mark(session, study, assessment)
            return False
        _close(session, bell, study, SYSTEM, assessment)
        return True


def _may_wait(study: Study, patience: Patience) -> bool:
    """Whether what is missing is waited for: not a second time, and not where the sender held the study for longer."""
    return study.incomplete is None and not study.hold and patience.incomplete > patience.quiet


def _mark(session: Session, study: Study, assessment: Assessment) -> None:
    """Say what is missing of a study that the caller has locked, to those who look at it meanwhile."""
    completeness.mark(session, study, assessment)
    worklist.project(session, study.id)
    outbox.emit(
        session,
        "study",
        study.id,
        {"study": study.id, "state": study.state, "incomplete": not assessment.is_whole},
    )


def _close(session: Session, bell: Rings, study: Study, actor: str, assessment: Assessment) -> None:
    """Close a study that the caller has locked, and queue its jobs."""
    completeness.mark(session, study, assessment)
    studies.close_study(session, study.id)
    _tell_closed(session, study, actor, assessment, route(session, study.id, bell))


def _tell_closed(session: Session, study: Study, actor: str, assessment: Assessment, job_ids: Sequence[str]) -> None:
    """Audit, event and worklist."""
    worklist.project(session, study.id)
    missing = {} if assessment.is_whole else {"incomplete": "yes"}
    audit.record(session, actor, "study.closed", study.id, jobs=len(job_ids), **missing)
    outbox.emit(
        session,
        "study",
        study.id,
        {"study": study.id, "state": StudyState.COMPLETE, "jobs": job_ids, "incomplete": not assessment.is_whole},
    )


def answer(session: Session, study: Study) -> StudyAnswer:
    """The study as its sender sees it."""
    newest = tuple(closing.newest_jobs(session, study.id))
    return StudyAnswer(study.id, study.study_instance_uid, StudyState(study.state), newest, study.incomplete)


def answers(store: Store, study_ids: Sequence[str]) -> list[StudyAnswer]:
    """Studies as their sender sees them, in the order asked for; raises NotFound."""
    with unit_of_work(store.database, writing=False) as session:
        return [answer(session, studies.get_study(session, study_id)) for study_id in study_ids]
