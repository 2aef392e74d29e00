"""Decides which pipelines read a closed study, and queues their jobs in the transaction that closed it.

A series that the system made is read like any other, but never by a pipeline that it descends from: a reconstruction
feeds segmentation, and neither feeds itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from pipelines.core.entry import Entry, SubjectHeader
from services.store import attempts, jobs, models, results, studies
from services.store.descent import Descent, descents
from services.store.entries import all_entries
from services.store.session import after_commit
from services.store.states import Priority
from services.store.tables import Instance, ModelVersion, Series, Study
from services.work.bell import Rings
from services.work.flags import OTHER_PATIENT

REASON_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class _Held:
    """An instance that counts, with its series and where that comes from."""

    instance: Instance
    series: Series
    descent: Descent


@dataclass(frozen=True, slots=True)
class _Subject:
    """What one job would read: a study or a series, with the instances that count."""

    kind: str
    id: str
    held: tuple[_Held, ...]

    @property
    def header(self) -> SubjectHeader:
        return SubjectHeader(
            kind=self.kind,
            modalities=frozenset(one.series.modality for one in self.held),
            sop_class_uids=frozenset(one.instance.sop_class_uid for one in self.held),
            instances=len(self.held),
        )

    def taken_by(self, entry: Entry) -> list[Instance]:
        """The instances that the pipeline reads, ordered by SOP Instance UID as they are here."""
        return [
            one.instance for one in self.held if entry.accepts.takes(one.series.modality, one.instance.sop_class_uid)
        ]


def route(session: Session, study_id: str, bell: Rings) -> list[str]:
    """Queue a job for every pipeline that can read the study or a series of it; returns the jobs' ids.

    Call it in the transaction that closes the study: the bell rings after the commit. Where nothing matches, the study
    says why in `unrouted_reason`.
    """
    study = studies.get_study(session, study_id)
    held = _held(session, study)
    job_ids: list[str] = []
    reasons: list[str] = []
    for entry in _entries(session, study):
        for subject in _subjects(entry, study, held):
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
    held = _held(session, study)
    added: list[str] = []
    for entry in _entries(session, study):
        for subject in _subjects(entry, study, held):
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


def _held(session: Session, study: Study) -> tuple[_Held, ...]:
    """The study's instances that count.

    Left out are conflicting ones, those stated to be another patient's, and series made from a result whose place a
    newer one has taken.
    """
    counting = [one for one in studies.study_instances(session, study.id) if one.flag != OTHER_PATIENT]
    series = {one: session.get_one(Series, one) for one in dict.fromkeys(one.series_id for one in counting)}
    origin = descents(session, list(series.values()))
    return tuple(
        _Held(one, series[one.series_id], origin[one.series_id]) for one in counting if origin[one.series_id].counts
    )


def _subjects(entry: Entry, study: Study, held: Sequence[_Held]) -> Iterator[_Subject]:
    """What the pipeline could be asked about, without what descends from itself."""
    foreign = tuple(one for one in held if entry.name not in one.descent.pipelines)
    if entry.subject == "study":
        yield _Subject("study", study.id, foreign)
        return
    for series_id in dict.fromkeys(one.series.id for one in foreign):
        yield _Subject("series", series_id, tuple(one for one in foreign if one.series.id == series_id))


def _refusal(entry: Entry, subject: _Subject, version: ModelVersion | None) -> str:
    """Why the pipeline does not read the subject, as half a sentence; empty where it does."""
    reason = entry.accepts.reason(subject.header)
    if reason:
        return reason
    taken = subject.taken_by(entry)
    if len(taken) < entry.accepts.min_instances:
        # Its modality and its SOP class may come from different series.
        return f"no single series of the {subject.kind} is what it reads"
    return "" if version else "no model is active"


def _queue(
    session: Session, entry: Entry, version: ModelVersion, study: Study, subject: _Subject, bell: Rings
) -> jobs.AddedJob:
    """One job over the subject's instances that the pipeline takes, ordered by SOP Instance UID."""
    taken = subject.taken_by(entry)
    key = jobs.job_key([one.blob_sha256 for one in taken], entry.name, entry.revision, version.sha256, {})
    new = jobs.NewJob(
        key=key,
        slot_id=jobs.slot_for(session, study.id, subject.kind, subject.id, entry.name),
        study_id=study.id,
        pipeline=entry.name,
        pipeline_revision=entry.revision,
        model_version_id=version.id,
        queue=entry.queue,
        priority=Priority(study.priority),
        instance_ids=[one.id for one in taken],
    )
    after_commit(session, bell.ring, entry.queue)
    return jobs.add_job(session, new)
