"""The report of a study for the patient's file: one value that the screen, the PDF and the SR are all made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.errors import BadRequest, Withheld
from pipelines.core.report import Line, Part, Report, Section, Signature
from pipelines.core.report_json import finding_from_json
from pipelines.core.types import Finding
from services.store.disagreement import ShadowChange, shadow_change
from services.store.session import unit_of_work
from services.store.signatures import Standing, answer_of, standing_of
from services.store.states import JobRole, ReviewState
from services.store.stores import Store
from services.store.tables import Job, Result, User
from services.work import slots
from services.work.access import Looker, OpenedStudy, open_study
from services.work.facts import UNIDENTIFIED
from services.work.report_pictures import key_pictures
from services.work.report_words import (
    Clock,
    Document,
    counts,
    final_from,
    heading,
    identity,
    machine,
    made,
    patient_lines,
    taken,
    undecided,
    word,
)

TITLE: Final = "Imaging report"
NOTICE: Final = "Research and demonstration, no medical device."


@dataclass(frozen=True, slots=True)
class _Read:
    """A question that a machine has answered, with what readers made of the answer.

    `document` is the answer that counts: None while nothing does, and where the machine's was rejected. `shadow` is
    what a model on trial says otherwise.
    """

    result: Result
    stands: Standing
    document: Document | None
    shadow: ShadowChange | None
    section: Section


def report_of(store: Store, looker: Looker, study_id: str, zone: str, grace_seconds: float) -> Report:
    """The page as it stands now, its times in the IANA `zone`; opening it leaves a row in the audit.

    Raises NotFound, BadRequest for a zone that there is not, Withheld where this looker reads one of its questions
    blind.
    """
    clock = Clock(_zone(zone))
    opened = open_study(store, looker, study_id)
    if opened.withheld:
        raise Withheld
    with unit_of_work(store.database, writing=False) as session:
        reads = list(_reads(session, opened, clock, grace_seconds))
        signatures = tuple(_signatures(session, reads))
    unread = [_unread(job) for job in _unanswered(opened)]
    said = [read.result.created_at for read in reads]
    said += [each.created_at for read in reads for each in read.stands.words]
    said += [read.shadow.said_at for read in reads if read.shadow]
    as_of = max(said, default=opened.tree.study.created_at)
    answers = Section(Part.ANSWER, "Conclusion", tuple(_chief(reads, unread)))
    study = Section(Part.STUDY, "Patient and study", tuple(_study_lines(opened, clock)))
    foot = Section(Part.FOOT, "About this page", tuple(_foot(opened, as_of, clock)))
    patient = opened.tree.patient
    is_decided = not unread and all(read.stands.state is ReviewState.SIGNED for read in reads)
    return Report(
        study_id=study_id,
        title=TITLE,
        identity=identity(patient, patient.issuer != UNIDENTIFIED, taken(opened.tree.study, clock)),
        as_of=as_of,
        sections=(study, answers, *(read.section for read in reads), *unread, foot),
        signatures=signatures if is_decided else (),
        undecided=undecided([read.stands.state for read in reads]),
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise BadRequest("there is no time zone of this name", code="bad_zone") from error


def _reads(session: Session, opened: OpenedStudy, clock: Clock, grace_seconds: float) -> Iterator[_Read]:
    for one in opened.slots:
        stands = standing_of(session, one.slot.id)
        result = session.get_one(Result, stands.review.result_id) if stands.review else None
        result = result or slots.answer_of(session, one.slot.id)
        if result is not None:
            yield _read(session, opened, result, stands, clock, grace_seconds)


def _read(
    session: Session, opened: OpenedStudy, result: Result, stands: Standing, clock: Clock, grace_seconds: float
) -> _Read:
    is_signed = stands.state is ReviewState.SIGNED and stands.review is not None
    document = answer_of(session, stands.review) if is_signed and stands.review else None
    names = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_(sorted(stands.readers))))}
    words = [word(each, names[each.user_id], clock, answer_of(session, each)) for each in stands.words]
    final = final_from(stands, clock, grace_seconds)
    shadow = shadow_change(session, result)
    newer = [
        Line("A newer reading", f"{mark.change_headline}; no reader has decided on it.")
        for mark in opened.marks
        if mark.slot_id == result.slot_id
    ]
    lines = [*words, *([final] if final else []), *newer]
    section = Section(
        Part.READING,
        heading(result.pipeline),
        (*lines, *machine(result.document, shadow), *made(result.document)),
        key_pictures(session, opened.tree, result),
        findings_of(document) if document is not None and not document["abstained"] else (),
    )
    return _Read(result, stands, document, shadow, section)


def _chief(reads: Sequence[_Read], unread: Sequence[Section]) -> Iterator[Line]:
    for read in reads:
        yield counts(read.section.heading, read.stands, read.document)
    for section in unread:
        yield Line(section.heading, section.lines[0].text, chief=True)
    if not reads and not unread:
        yield Line("Not read", "No model has read these images.", chief=True)


def _unanswered(opened: OpenedStudy) -> list[Job]:
    """The newest job of each question without an answer; shadows are no question to readers."""
    open_ids = {one.slot.id for one in opened.slots if not one.answered}
    newest: dict[str, Job] = {}
    for job in opened.jobs:  # newest first
        if job.slot_id in open_ids and job.role != JobRole.SHADOW:
            newest.setdefault(job.slot_id, job)
    return list(newest.values())


def _unread(job: Job) -> Section:
    why = f"{job.state}: {job.error_detail}" if job.error_detail else job.state
    return Section(Part.READING, heading(job.pipeline), (Line("State", f"Not read ({why}).", chief=True),))


def _signatures(session: Session, reads: Sequence[_Read]) -> Iterator[Signature]:
    for read in reads:
        if read.stands.review is not None:
            reader = session.get_one(User, read.stands.review.user_id)
            yield Signature(reader.name, read.stands.review.created_at)


def _study_lines(opened: OpenedStudy, clock: Clock) -> Iterator[Line]:
    study, patient = opened.tree.study, opened.tree.patient
    yield from patient_lines(patient, patient.issuer != UNIDENTIFIED)
    yield taken(study, clock)
    if study.accession_number:
        yield Line("Accession number", study.accession_number)
    if study.description:
        yield Line("Description", study.description)
    series = [one for one in opened.tree.series if one.series.derived_from is None]
    images = [f"{len(one.instances)} × {one.series.modality}" for one in series]
    yield Line("Images", f"{', '.join(images) or 'none'}{f'; {study.incomplete}' if study.incomplete else ''}.")
    yield Line("Study Instance UID", study.study_instance_uid)


def _foot(opened: OpenedStudy, as_of: datetime, clock: Clock) -> Iterator[Line]:
    yield Line("As of", f"{clock.moment(as_of)}; all times of this page are {clock.zone.key}.")
    yield Line("Study in Overread", opened.tree.study.id)
    yield Line("Made by", f"Overread. A machine's answer counts once a reader has signed it. {NOTICE}")


def findings_of(document: Document) -> tuple[Finding, ...]:
    """The findings of a document, the contract's JSON, as values."""
    return tuple(finding_from_json(each) for each in document["findings"])
