"""Which of the stored studies a batch reads: a query whose pages cost the same wherever they are in the archive."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.core.entry import Entry, SubjectHeader
from services.store.states import ReviewState, StudyState
from services.store.tables import CurrentResult, Instance, ModelVersion, Result, Series, Slot, Study, WorklistRow

STUDY: Final = "study"


@dataclass(frozen=True, slots=True)
class FindingRange:
    """A finding of the current result by its label, and the values meant, both ends included."""

    label: str
    least: float | None = None
    most: float | None = None

    def holds(self, findings: Sequence[Mapping[str, Any]]) -> bool:  # Any: the contract's JSON
        """Whether a result has such a finding, of the patient or of either side."""
        values = (one.get("value") for one in findings if one.get("label") == self.label)
        return any(
            isinstance(value, int | float)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            for value in values
        )


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """What is asked of a study, or of the current answer about it; None lets all pass. Days are the study's own."""

    read_by: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    finding: FindingRange | None = None
    review_state: ReviewState | None = None
    abstained: bool | None = None

    @property
    def asks_for_answers(self) -> bool:
        """Whether only subjects that have an answer already can pass."""
        return any(asked is not None for asked in (self.read_by, self.finding, self.review_state, self.abstained))

    def takes(self, study: Study) -> bool:
        """Whether a study is of the days meant, closed, and still has its images."""
        day = study.study_date
        return (
            study.state == StudyState.COMPLETE
            and study.erased_at is None
            and (self.first_day is None or (day is not None and day >= self.first_day))
            and (self.last_day is None or (day is not None and day <= self.last_day))
        )


@dataclass(frozen=True, slots=True)
class Target:
    """What reads the archive anew: a pipeline with one version of its model."""

    entry: Entry
    version: ModelVersion


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject to read; `was_read` where the target has read it before without becoming its answer."""

    study_id: str
    subject_kind: str
    subject_id: str
    was_read: bool = False


@dataclass(frozen=True, slots=True)
class StoredPage:
    """The subjects of one page; `last` is the study it ends at (None: the archive ends), of `examined` studies."""

    candidates: tuple[Candidate, ...]
    last: str | None
    examined: int
    answered: int  # subjects whose current answer is the target's: nothing could change


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is known of a subject's slot."""

    slot_id: str
    model_name: str | None = None
    model_version: str | None = None
    abstained: bool | None = None
    result_id: str | None = None


def count_studies(session: Session) -> int:
    """How many studies are stored, of all sites."""
    return session.scalar(select(func.count()).select_from(Study)) or 0


def page_of_studies(session: Session, target: Target, query: StoredQuery, after: str | None, limit: int) -> StoredPage:
    """The subjects that the target could read and the query means, of the next `limit` studies behind `after`.

    Studies of all sites come in the order of their ids. A page looks at `limit` studies whatever the query is, so that
    one of few hits cannot make a page walk the whole archive.
    """
    walked = select(Study).order_by(Study.id).limit(limit)
    studies = session.scalars(walked if after is None else walked.where(Study.id > after)).all()
    subjects = _subjects(session, target.entry, [study.id for study in studies if query.takes(study)])
    answers = _answers(session, target.entry.name, [one.study_id for one in subjects])
    known = [(one, answers.get((one.subject_kind, one.subject_id))) for one in subjects]
    open_ones = [(one, answer) for one, answer in known if not _is_targets(answer, target.version)]
    meant = _meant(session, query, open_ones)
    read = _read_by_target(session, target.version, [answer.slot_id for _, answer in meant if answer])
    candidates = tuple(
        Candidate(one.study_id, one.subject_kind, one.subject_id, answer is not None and answer.slot_id in read)
        for one, answer in meant
    )
    last = studies[-1].id if len(studies) == limit else None
    return StoredPage(candidates, last, len(studies), len(known) - len(open_ones))


def _subjects(session: Session, entry: Entry, study_ids: Sequence[str]) -> list[Candidate]:
    """What the pipeline accepts of these studies, by what their series hold; routing looks closer at each."""
    rows = session.execute(
        select(Series.study_id, Series.id, Series.modality, Instance.sop_class_uid, func.count())
        .join(Instance, Instance.series_id == Series.id)
        .where(Series.study_id.in_(study_ids), Instance.conflict.is_(False))
        .group_by(Series.study_id, Series.id, Series.modality, Instance.sop_class_uid)
        .order_by(Series.study_id, Series.id)
    ).all()
    place = 0 if entry.subject == STUDY else 1
    found = []
    for subject_id, held in groupby(rows, key=lambda row: row[place]):
        parts = list(held)
        if _accepts(entry, [(modality, sop_class, count) for _, _, modality, sop_class, count in parts]):
            found.append(Candidate(parts[0][0], entry.subject, subject_id))
    return found


def _accepts(entry: Entry, parts: Sequence[tuple[str, str, int]]) -> bool:
    header = SubjectHeader(
        kind=entry.subject,
        modalities=frozenset(modality for modality, _, _ in parts),
        sop_class_uids=frozenset(sop_class for _, sop_class, _ in parts),
        instances=sum(count for _, _, count in parts),
    )
    taken = sum(count for modality, sop_class, count in parts if entry.accepts.takes(modality, sop_class))
    return entry.accepts.matches(header) and taken >= entry.accepts.min_instances


def _answers(session: Session, pipeline: str, study_ids: Sequence[str]) -> dict[tuple[str, str], _Answer]:
    """What is known of each subject that the pipeline was asked about, by its kind and id."""
    rows = session.execute(
        select(
            Slot.subject_kind,
            Slot.subject_id,
            Slot.id,
            Result.model_name,
            Result.model_version,
            Result.abstained,
            Result.id,
        )
        .outerjoin(CurrentResult, CurrentResult.slot_id == Slot.id)
        .outerjoin(Result, Result.id == CurrentResult.result_id)
        .where(Slot.study_id.in_(study_ids), Slot.pipeline == pipeline)
    )
    return {(row[0], row[1]): _Answer(row[2], row[3], row[4], row[5], row[6]) for row in rows}


def _is_targets(answer: _Answer | None, version: ModelVersion) -> bool:
    return answer is not None and (answer.model_name, answer.model_version) == (version.name, version.version)


def _meant(
    session: Session, query: StoredQuery, known: Sequence[tuple[Candidate, _Answer | None]]
) -> list[tuple[Candidate, _Answer | None]]:
    """Those that the query means, cheapest questions first."""
    if not query.asks_for_answers:
        return list(known)
    passing = [
        (one, answer)
        for one, answer in known
        if answer is not None
        and answer.result_id is not None
        and query.read_by in (None, answer.model_version)
        and query.abstained in (None, answer.abstained)
    ]
    if query.review_state is not None:
        slots = _slots_in(session, query.review_state, [answer.slot_id for _, answer in passing])
        passing = [(one, answer) for one, answer in passing if answer.slot_id in slots]
    if query.finding is not None:
        results = set(_with_finding(session, query.finding, [str(answer.result_id) for _, answer in passing]))
        passing = [(one, answer) for one, answer in passing if answer.result_id in results]
    return [(one, answer) for one, answer in passing]


def _slots_in(session: Session, state: ReviewState, slot_ids: Sequence[str]) -> Collection[str | None]:
    rows = select(WorklistRow.slot_id).where(WorklistRow.slot_id.in_(slot_ids), WorklistRow.review_state == state)
    return set(session.scalars(rows))


def _with_finding(session: Session, asked: FindingRange, result_ids: Sequence[str]) -> Iterator[str]:
    for result_id, document in session.execute(select(Result.id, Result.document).where(Result.id.in_(result_ids))):
        if asked.holds(document.get("findings", [])):
            yield result_id


def _read_by_target(session: Session, version: ModelVersion, slot_ids: Sequence[str]) -> Collection[str]:
    read = select(Result.slot_id).where(
        Result.slot_id.in_(slot_ids), Result.model_name == version.name, Result.model_version == version.version
    )
    return set(session.scalars(read.distinct()))
