"""Closes studies: asked to, or because nothing more came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.settings import Settings
from services.store import audit, closing, outbox, studies, worklist
from services.store.closing import Patience
from services.store.session import unit_of_work
from services.store.states import StudyState
from services.store.stores import Store
from services.store.tables import Study
from services.work.bell import Rings
from services.work.route import route

#: Who closes a study that went quiet.
SYSTEM = "system"
QUIET_BATCH = 100
#: A study sent with `complete=no` waits for `complete`; a sender that died never calls it, and nobody would read it.
HOLD_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class StudyAnswer:
    """What a sender learns of a study it sent to; `jobs` are the newest ones of each of its questions."""

    id: str
    study_instance_uid: str
    state: StudyState
    jobs: tuple[str, ...]


def complete(store: Store, bell: Rings, study_id: str, actor: str) -> StudyAnswer:
    """Close a study now and queue its jobs; one that is closed already stays as it is. Raises NotFound."""
    with unit_of_work(store.database) as session:
        study = studies.lock_study(session, study_id)
        if study.state != StudyState.COMPLETE:
            _close(session, bell, study_id, actor)
        return answer(session, study)


def close_quiet(store: Store, bell: Rings, settings: Settings) -> list[str]:
    """Close studies that took no instance for the quiet time; returns their ids. Harmless to run twice at once."""
    patience = Patience(settings.quiet_seconds, HOLD_SECONDS)
    with unit_of_work(store.database, writing=False) as session:
        due = closing.due_for_closing(session, patience, QUIET_BATCH)
    return [study_id for study_id in due if _close_if_due(store, bell, study_id, patience)]


def _close_if_due(store: Store, bell: Rings, study_id: str, patience: Patience) -> bool:
    with unit_of_work(store.database) as session:
        studies.lock_study(session, study_id)
        if not closing.is_due(session, study_id, patience):
            return False
        _close(session, bell, study_id, SYSTEM)
        return True


def _close(session: Session, bell: Rings, study_id: str, actor: str) -> None:
    """Close a study that the caller has locked, and queue its jobs."""
    studies.close_study(session, study_id)
    job_ids = route(session, study_id, bell)
    worklist.project(session, study_id)
    audit.record(session, actor, "study.closed", study_id, jobs=len(job_ids))
    outbox.emit(session, "study", study_id, {"study": study_id, "state": StudyState.COMPLETE, "jobs": job_ids})


def answer(session: Session, study: Study) -> StudyAnswer:
    """The study as its sender sees it."""
    return StudyAnswer(
        study.id, study.study_instance_uid, StudyState(study.state), tuple(closing.newest_jobs(session, study.id))
    )


def answers(store: Store, study_ids: Sequence[str]) -> list[StudyAnswer]:
    """Studies as their sender sees them, in the order asked for; raises NotFound."""
    with unit_of_work(store.database, writing=False) as session:
        return [answer(session, studies.get_study(session, study_id)) for study_id in study_ids]
