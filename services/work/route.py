"""Decides which pipelines read a closed study, and queues their jobs in the transaction that closed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from pipelines.registry import ENTRIES, Entry, SubjectHeader
from services.store import jobs, models, studies
from services.store.session import after_commit
from services.store.states import Priority
from services.store.tables import Instance, ModelVersion, Series, Study
from services.work.bell import Rings
from services.work.flags import OTHER_PATIENT

REASON_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class _Subject:
    """What one job would read: a study or a series, with the instances that count."""

    kind: str
    id: str
    instances: tuple[tuple[Series, Instance], ...]

    @property
    def header(self) -> SubjectHeader:
        return SubjectHeader(
            kind=self.kind,
            modalities=frozenset(series.modality for series, _ in self.instances),
            sop_class_uids=frozenset(instance.sop_class_uid for _, instance in self.instances),
            instances=len(self.instances),
        )


def route(session: Session, study_id: str, bell: Rings) -> list[str]:
    """Queue a job for every pipeline that can read the study or a series of it; returns the jobs' ids.

    Call it in the transaction that closes the study: the bell rings after the commit. Where nothing matches, the study
    says why in `unrouted_reason`.
    """
    study = studies.get_study(session, study_id)
    held = _instances(session, study)
    entries = [entry for entry in ENTRIES.values() if study.requested_pipeline in {None, entry.name}]
    job_ids: list[str] = []
    reasons: list[str] = []
    for entry in entries:
        version = models.active_version(session, entry.name)
        for subject in _subjects(entry, study, held):
            reason = entry.accepts.reason(subject.header)
            if reason:
                reasons.append(f"{entry.name}: {reason}")
            elif version is None:
                reasons.append(f"{entry.name}: no model is active")
            else:
                job_ids.append(_queue(session, entry, version, study, subject))
                after_commit(session, bell.ring, entry.queue)
    study.unrouted_reason = None if job_ids else "; ".join(dict.fromkeys(reasons))[:REASON_CHARACTERS]
    session.flush()
    return job_ids


def _instances(session: Session, study: Study) -> Sequence[tuple[Series, Instance]]:
    """The study's instances with their series; without conflicting ones and those stated to be another patient's."""
    series: dict[str, Series] = {}
    counting = [one for one in studies.study_instances(session, study.id) if one.flag != OTHER_PATIENT]
    for instance in counting:
        if instance.series_id not in series:
            series[instance.series_id] = session.get_one(Series, instance.series_id)
    return [(series[instance.series_id], instance) for instance in counting]


def _subjects(entry: Entry, study: Study, held: Sequence[tuple[Series, Instance]]) -> Iterator[_Subject]:
    if entry.subject == "study":
        yield _Subject("study", study.id, tuple(held))
        return
    for series_id in dict.fromkeys(series.id for series, _ in held):
        yield _Subject("series", series_id, tuple(pair for pair in held if pair[0].id == series_id))


def _queue(session: Session, entry: Entry, version: ModelVersion, study: Study, subject: _Subject) -> str:
    """One job over the subject's instances that the pipeline takes, ordered by SOP Instance UID."""
    taken = [
        instance
        for series, instance in subject.instances
        if entry.accepts.takes(series.modality, instance.sop_class_uid)
    ]
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
    return jobs.add_job(session, new).id
