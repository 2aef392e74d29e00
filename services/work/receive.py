"""Takes whole files in: header check, durable blob, then one short transaction for a bounded group of instances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from sqlalchemy.orm import Session

from pipelines.core.errors import BadInput, OverreadError
from pipelines.imaging.dicom import DicomHeader, read_header
from services.settings import Settings
from services.store import attempts, audit, outbox, sources, studies, worklist
from services.store.blobs import Published
from services.store.session import unit_of_work
from services.store.states import Priority, SeriesState, StudyState
from services.store.stores import Store
from services.store.studies import InstanceOutcome
from services.store.tables import Instance, Series, Study
from services.work.facts import instance_facts, patient_facts, series_facts, study_facts
from services.work.flags import OTHER_PATIENT, SAME_PICTURE, SENTENCES
from services.work.rejections import Refused, reject
from services.work.spool import SpooledFile

DICOM_MEDIA_TYPE: Final = "application/dicom"  # RFC 3240


class FileStatus(StrEnum):
    """What became of one file that was sent."""

    STORED = "stored"  #: kept
    DUPLICATE = "duplicate"  #: these bytes were there already
    CONFLICT = "conflict"  #: kept beside other bytes of the same SOP Instance UID, and flagged
    REJECTED = "rejected"  #: not kept as an instance; `code` says why


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """The answer for one file; `name` is the sender's own, `study_id` is None where nothing was kept."""

    name: str
    status: FileStatus
    code: str | None = None
    detail: str | None = None
    sop_instance_uid: str | None = None
    study_id: str | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the system holds this file now."""
        return self.status is not FileStatus.REJECTED


@dataclass(frozen=True, slots=True)
class IntakeOptions:
    """What the sender asked for; `source` is the way the files came."""

    source: str = "rest"
    priority: Priority = Priority.ROUTINE
    pipeline: str | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Readied:
    """A DICOM file whose header was read; `photograph` is the picture it was made of, with its media type."""

    file: SpooledFile
    header: DicomHeader
    photograph: tuple[SpooledFile, str] | None = None

    @property
    def name(self) -> str:
        """What the sender called the file."""
        return self.photograph[0].name if self.photograph else self.file.name


def receive(store: Store, settings: Settings, spooled: SpooledFile, options: IntakeOptions, actor: str) -> FileOutcome:
    """Take one DICOM file in; see `receive_group`."""
    return receive_group(store, settings, [spooled], options, actor)[0]


def receive_group(
    store: Store, settings: Settings, files: Sequence[SpooledFile], options: IntakeOptions, actor: str
) -> list[FileOutcome]:
    """Take DICOM files in, a bounded number at a time, and say for each what became of it, in their order.

    Headers only, no pixel is decoded. What is no usable DICOM is rejected and quarantined. Raises StorageFull and
    DatabaseUnavailable: then none of the group is kept.
    """
    read = [_readied(file) for file in files]
    kept = iter(keep(store, [one for one in read if isinstance(one, Readied)], options, actor))
    refused = [
        Refused(one, file.bytes, file.path)
        for file, one in zip(files, read, strict=True)
        if isinstance(one, OverreadError)
    ]
    reject(store, settings, refused, actor, options.source)
    return [
        next(kept) if isinstance(one, Readied) else rejected(file.name, one)
        for file, one in zip(files, read, strict=True)
    ]


def rejected(name: str, error: OverreadError) -> FileOutcome:
    """The answer for a file that was refused."""
    return FileOutcome(name, FileStatus.REJECTED, error.code, error.sentence)


def _readied(file: SpooledFile) -> Readied | BadInput:
    try:
        return Readied(file, read_header(file.path))
    except BadInput as error:
        return error


def keep(store: Store, group: Sequence[Readied], options: IntakeOptions, actor: str) -> list[FileOutcome]:
    """Make the files durable, then write their rows in one transaction; answers in the group's order.

    A process killed in between leaves blobs nobody refers to, which are collected later.
    """
    if not group:
        return []
    blobs = _published(store, group)
    # In the order of studies and series, so that two groups that share some of them never wait for each other in turn.
    order = sorted(
        range(len(group)),
        key=lambda at: (group[at].header.study_instance_uid, group[at].header.series_instance_uid, at),
    )
    answers: dict[int, FileOutcome] = {}
    with unit_of_work(store.database) as session:
        for _, same_study in groupby(order, key=lambda at: group[at].header.study_instance_uid):
            writer = _StudyWriter(store, session, options)
            for at in same_study:
                answers[at] = writer.add(group[at], blobs[at])
            writer.finish(actor)
    return [answers[at] for at in range(len(group))]


def _published(store: Store, group: Sequence[Readied]) -> list[list[Published]]:
    """The blobs of each file, durable: the DICOM object, and the photograph it was made of."""
    wanted = [
        [(one.file.path, one.file.sha256, DICOM_MEDIA_TYPE)]
        + ([(one.photograph[0].path, one.photograph[0].sha256, one.photograph[1])] if one.photograph else [])
        for one in group
    ]
    # The same bytes twice in one group are one blob: the first file is moved away, the second has nothing to add.
    unique = {sha256: (path, sha256, media_type) for files in wanted for path, sha256, media_type in reversed(files)}
    published = {blob.sha256: blob for blob in store.blobs.publish_many(list(unique.values()))}
    return [[published[sha256] for _, sha256, _ in files] for files in wanted]


class _StudyWriter:
    """Writes the instances of one study in the transaction given."""

    def __init__(self, store: Store, session: Session, options: IntakeOptions) -> None:
        self._store = store
        self._session = session
        self._options = options
        self._study: Study | None = None
        self._patients: dict[studies.PatientFacts, str] = {}
        self._series: dict[studies.SeriesFacts, Series] = {}
        self._counts = dict.fromkeys(InstanceOutcome, 0)
        self._reopened = False

    def add(self, readied: Readied, blobs: Sequence[Published]) -> FileOutcome:
        """One instance with its patient, study and series."""
        patient = patient_facts(readied.header)
        if patient not in self._patients:
            self._patients[patient] = studies.upsert_patient(self._session, self._store.site_id, patient).id
        patient_id = self._patients[patient]
        if self._study is None:
            facts = study_facts(readied.header, self._options.priority, self._options.pipeline, self._options.hold)
            self._study = studies.upsert_study(self._session, self._store.site_id, patient_id, facts)
        series = self._series_of(readied.header, self._study.id)
        flag = OTHER_PATIENT if self._study.patient_id != patient_id else None
        found = self._already_made(readied)
        if found is not None:
            self._counts[InstanceOutcome.DUPLICATE] += 1
            return FileOutcome(readied.name, FileStatus.DUPLICATE, None, None, found, self._study.id)
        for blob in blobs:
            self._store.blobs.record(self._session, blob)
        source = readied.photograph[0].sha256 if readied.photograph else None
        if source is not None and flag is None:
            flag = self._flag_same_picture(source)
        added = studies.add_instance(
            self._session, series.id, instance_facts(readied.header, readied.file.sha256, source, flag)
        )
        self._counts[added.outcome] += 1
        if added.outcome is InstanceOutcome.STORED:
            self._reopen(series)
        return _outcome(readied.name, added.instance, added.outcome, self._study.id)

    def _series_of(self, header: DicomHeader, study_id: str) -> Series:
        facts = series_facts(header)
        if facts not in self._series:
            self._series[facts] = studies.upsert_series(self._session, study_id, facts)
        return self._series[facts]

    def _already_made(self, readied: Readied) -> str | None:
        """The UID of the instance that this photograph became before: wrapped again, its bytes name another day."""
        if readied.photograph is None:
            return None
        holders = sources.holders_of(self._session, self._store.site_id, readied.photograph[0].sha256)
        uid = readied.header.sop_instance_uid
        return next((uid for holder in holders if holder.sop_instance_uid == uid), None)

    def _flag_same_picture(self, source_sha256: str) -> str | None:
        holders = sources.holders_of(self._session, self._store.site_id, source_sha256)
        if not holders:
            return None
        sources.flag_instances(self._session, [holder.instance_id for holder in holders], SAME_PICTURE)
        return SAME_PICTURE

    def _reopen(self, series: Series) -> None:
        """A late instance: what is queued or running would answer for the study as it was."""
        if self._study is None or self._reopened:
            return
        if self._study.state == StudyState.COMPLETE or series.state == SeriesState.CLOSED:
            studies.reopen(self._session, series.id)
            attempts.cancel_open(self._session, self._study.id)

    def finish(self, actor: str) -> None:
        """Audit, event and worklist, once for the study."""
        if self._study is None:
            return
        study_id = self._study.id
        counts = {outcome.value: number for outcome, number in self._counts.items() if number}
        audit.record(self._session, actor, "instances.received", study_id, **counts)
        if set(counts) != {InstanceOutcome.DUPLICATE}:
            state = self._study.state
            outbox.emit(self._session, "study", study_id, {"study": study_id, "state": state, **counts})
            worklist.project(self._session, study_id)


def _outcome(name: str, instance: Instance, outcome: InstanceOutcome, study_id: str) -> FileOutcome:
    status = FileStatus(outcome.value)
    uid = instance.sop_instance_uid
    if outcome is InstanceOutcome.CONFLICT:
        detail = "other bytes are stored under the same SOP Instance UID; both are kept, the first one is read"
        return FileOutcome(name, status, "conflict", detail, uid, study_id)
    if outcome is InstanceOutcome.STORED and instance.flag is not None:
        return FileOutcome(name, status, instance.flag, SENTENCES[instance.flag], uid, study_id)
    return FileOutcome(name, status, None, None, uid, study_id)
