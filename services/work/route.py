"""Decides which pipelines read a closed study, and queues their jobs in the transaction that closed it.

A series that the system made is read like any other, but never by a pipeline that it descends from: a reconstruction
feeds segmentation, and neither feeds itself. Beside each live job goes one for every version of the model that is a
shadow: what those find is stored and compared, and shown to no reader.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from pipelines.core.entry import Entry
from services.store import attempts, jobs, models, results, studies
from services.store.entries import all_entries
from services.store.session import after_commit
from services.store.states import JobRole, Priority
from services.store.tables import ModelVersion, Study
from services.work.bell import Rings
from services.work.question import Asked, held_by, job_for, refusal, subjects_of

REASON_CHARACTERS = 1024


def route(session: Session, study_id: str, bell: Rings) -> list[str]:
    """Queue a job for every pipeline that can read the study or a series of it; returns the jobs' ids.

    Call it in the transaction that closes the study: the bell rings after the commit. Where nothing matches, the study
    says why in `unrouted_reason`.
    """
    study = studies.get_study(session, study_id)
    study.batch_only = False
    held = held_by(session, study)
    job_ids: list[str] = []
    reasons: list[str] = []
    for entry in _entries(session, study):
        for subject in subjects_of(entry, study, held):
            version = models.active_version(session, entry.model)
            reason = _refusal(entry, subject, version)
            if reason or version is None:
                reasons.append(f"{entry.name}: {reason}")
            else:
                job_ids.append(_queue(session, entry, version, study, subject, bell).id)
    study.unrouted_reason = None if job_ids else "; ".join(dict.fromkeys(reasons))[:REASON_CHARACTERS]
    session.flush()
    return job_ids


def route_derived(session: Session, study_id: str, series_id: str, bell: Rings) -> list[str]:
    """Queue jobs for a series that the system made and added to a closed study; returns the new jobs' ids.

    Work on the rest of the study goes on undisturbed. A question about the whole study is asked anew, and one that
    still waits for an answer without the series is dropped, but not where a reader has signed: what the system made by
    itself is no reason to question a signature.
    """
    study = studies.get_study(session, study_id)
    held = held_by(session, study)
    added: list[str] = []
    for entry in _entries(session, study):
        for subject in subjects_of(entry, study, held):
            version = models.active_version(session, entry.model)
            concerned = any(one.series.id == series_id for one in subject.held)
            if not concerned or version is None or _refusal(entry, subject, version):
                continue
            slot_id = jobs.slot_for(session, study.id, subject.kind, subject.id, entry.name)
            if results.is_signed(session, slot_id):
                continue
            job = _queue(session, entry, version, study, subject, bell)
            if job.created:
                added.append(job.id)
                attempts.cancel_waiting(session, slot_id, but=job.id)
    return added


def _entries(session: Session, study: Study) -> list[Entry]:
    """The pipelines to ask: the one that the sender named, else all that answer by themselves."""
    entries = all_entries(session).values()
    if study.requested_pipeline is not None:
        return [entry for entry in entries if entry.name == study.requested_pipeline]
    return [entry for entry in entries if not entry.on_request]


def _refusal(entry: Entry, subject: Asked, version: ModelVersion | None) -> str:
    """Why the pipeline does not read the subject, as half a sentence; empty where it does."""
    return refusal(entry, subject) or ("" if version else "no model is active")


def _queue(
    session: Session, entry: Entry, version: ModelVersion, study: Study, subject: Asked, bell: Rings
) -> jobs.AddedJob:
    """Queue the question, also for the shadows of the model; the bell rings after the commit."""
    after_commit(session, bell.ring, entry.queue)
    added = jobs.add_job(session, job_for(session, entry, version, study, subject))
    for shadow in models.shadow_versions(session, entry.model):
        silent = job_for(session, entry, shadow, study, subject)
        jobs.add_job(session, replace(silent, role=JobRole.SHADOW, priority=Priority.BATCH))
    return added
