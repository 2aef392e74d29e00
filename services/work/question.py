"""What one job would read: a study or a series with the instances that count, whether a pipeline takes it, its job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from pipelines.core.entry import Entry, SubjectHeader
from services.store import jobs, studies
from services.store.descent import Descent, descents
from services.store.states import Priority
from services.store.tables import Instance, ModelVersion, Series, Study
from services.work.flags import OTHER_PATIENT


@dataclass(frozen=True, slots=True)
class Held:
    """An instance that counts, with its series and where that comes from."""

    instance: Instance
    series: Series
    descent: Descent


@dataclass(frozen=True, slots=True)
class Asked:
    """The subject of a question: a study or a series, with the instances that count."""

    kind: str
    id: str
    held: tuple[Held, ...]

    @property
    def header(self) -> SubjectHeader:
        """What the pipelines' rules look at."""
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


def held_by(session: Session, study: Study) -> tuple[Held, ...]:
    """The study's instances that count.

    Left out are conflicting ones, those stated to be another patient's, and series made from a result whose place a
    newer one has taken.
    """
    counting = [one for one in studies.study_instances(session, study.id) if one.flag != OTHER_PATIENT]
    series = {one: session.get_one(Series, one) for one in dict.fromkeys(one.series_id for one in counting)}
    origin = descents(session, list(series.values()))
    return tuple(
        Held(one, series[one.series_id], origin[one.series_id]) for one in counting if origin[one.series_id].counts
    )


def subjects_of(entry: Entry, study: Study, held: Sequence[Held]) -> Iterator[Asked]:
    """What the pipeline could be asked about, without what descends from itself."""
    foreign = tuple(one for one in held if entry.name not in one.descent.pipelines)
    if entry.subject == "study":
        yield Asked("study", study.id, foreign)
        return
    for series_id in dict.fromkeys(one.series.id for one in foreign):
        yield Asked("series", series_id, tuple(one for one in foreign if one.series.id == series_id))


def refusal(entry: Entry, subject: Asked) -> str:
    """Why the pipeline does not read the subject, as half a sentence; empty where it does."""
    reason = entry.accepts.reason(subject.header)
    if reason:
        return reason
    taken = subject.taken_by(entry)
    if len(taken) < entry.accepts.min_instances:
        # Its modality and its SOP class may come from different series.
        return f"no single series of the {subject.kind} is what it reads"
    return ""


def job_for(session: Session, entry: Entry, version: ModelVersion, study: Study, subject: Asked) -> jobs.NewJob:
    """The live job over the subject's instances that the pipeline takes, ordered by SOP Instance UID."""
    taken = subject.taken_by(entry)
    return jobs.NewJob(
        key=jobs.job_key([one.blob_sha256 for one in taken], entry.name, entry.revision, version.sha256, {}),
        slot_id=jobs.slot_for(session, study.id, subject.kind, subject.id, entry.name),
        study_id=study.id,
        pipeline=entry.name,
        pipeline_revision=entry.revision,
        model_version_id=version.id,
        queue=entry.queue,
        priority=Priority(study.priority),
        instance_ids=[one.id for one in taken],
    )
