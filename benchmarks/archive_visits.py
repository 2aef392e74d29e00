"""Who came when and what was made of it: the studies of a synthetic archive, drawn from a seed, oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from benchmarks.archive_answers import Answer
from benchmarks.archive_people import FAMILY_NAMES, GIVEN_NAMES, YEARS, Archive, id_of, stamp
from pipelines.core.types import Urgency
from services.store.age import age_rank
from services.store.states import JobState, Priority, ReviewState, StudyState, Verdict
from services.store.worklist import RANK_SIGNED, RANK_UNANSWERED, RANK_UNROUTED, RANK_WAITING, URGENCY_RANKS


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of study: how often it comes, what it holds and which pipeline reads it."""

    share: float
    modality: str
    pipeline: str  # "" where none reads it
    images: int
    sop_class: str  # PS3.4 Annex B.5, Table B.5-1
    descriptions: tuple[str, ...]


KINDS: Final = (
    Kind(
        0.62, "OP", "retinopathy", 2, "1.2.840.10008.5.1.4.1.1.77.1.5.1", ("Fundus photographs", "Diabetes screening")
    ),
    Kind(0.17, "MR", "segmentation", 4, "1.2.840.10008.5.1.4.1.1.4", ("MR brain", "MR brain, memory clinic")),
    Kind(0.05, "MR", "reconstruction", 1, "1.2.840.10008.5.1.4.1.1.4", ("MR brain, raw data",)),
    Kind(0.07, "CT", "", 3, "1.2.840.10008.5.1.4.1.1.2", ("CT thorax", "CT abdomen", "CT head")),
    Kind(0.05, "DX", "", 2, "1.2.840.10008.5.1.4.1.1.1.1", ("Chest PA and lateral", "Hand left")),
    Kind(0.03, "US", "", 2, "1.2.840.10008.5.1.4.1.1.6.1", ("Ultrasound abdomen",)),
    Kind(0.01, "MG", "", 4, "1.2.840.10008.5.1.4.1.1.1.2", ("Screening mammography",)),
)
#: Shares of outcomes; what is left of the answered ones is the machine's abstention.
GRADE_SHARES: Final = (0.68, 0.10, 0.12, 0.05, 0.02, 0.03)
ANSWERED_SHARE: Final = 0.97
FAILED_SHARE: Final = 0.004
QUARANTINED_SHARE: Final = 0.0002
READ_DAYS: Final = 3  # by then nearly all are signed
SIGNED_OF_OLD: Final = 0.98
SIGNED_OF_NEW: Final = 0.3
DRAFTED_OF_NEW: Final = 0.05
VERDICT_SHARES: Final = {Verdict.ACCEPT: 0.86, Verdict.EDIT: 0.10, Verdict.REJECT: 0.04}
LATE_SHARE: Final = 0.05  # came from another archive, years after they were taken
STAT_SHARE: Final = 0.02
REREAD_SHARE: Final = 0.1  # were read again overnight with today's version


class Visit(NamedTuple):
    """One study and all that is decided about it; everything else is made from this row by the database."""

    n: int
    stamp: str
    study_id: str
    patient_id: str
    uid: str
    created_at: datetime
    ended_at: datetime
    signed_at: datetime
    study_date: date
    description: str
    accession: str
    words: str
    modality: str
    pipeline: str
    sop_class: str
    images: int
    state: str
    unrouted: str | None
    priority: int
    version: str | None  # of the model that reads it
    job_state: str | None
    answer: int | None
    word: int | None  # the answer whose findings an editing reader wrote in the place of the machine's
    urgency_rank: int
    age_rank: int
    review_state: str
    verdict: str | None
    reader: int | None  # who signed, drafted or was given it
    reread: str | None  # done, queued


def visits(archive: Archive, answers: Sequence[Answer]) -> Iterator[Visit]:
    """All studies, oldest first."""
    draw = _Draw(archive, answers)
    for n in range(archive.studies):
        yield draw.visit(n)


class _Draw:
    """The random numbers of all studies at once, and what they mean."""

    def __init__(self, archive: Archive, answers: Sequence[Answer]) -> None:
        random = np.random.default_rng(archive.seed)
        count = archive.studies
        self.archive = archive
        self.answers = {(each.pipeline, each.version, each.outcome): each for each in answers}
        self.versions = sorted({each.version for each in answers})
        self.moments = np.sort(random.random(count)).tolist()
        self.kinds = random.choice(len(KINDS), count, p=[kind.share for kind in KINDS]).tolist()
        self.patients = random.integers(archive.patients, size=count).tolist()
        self.chances = random.random((count, 6)).tolist()
        self.began = archive.now - timedelta(days=365 * YEARS)
        self.length = (archive.now - self.began).total_seconds()
        self.first_patient_stamp = stamp(self.began)

    def visit(self, n: int) -> Visit:
        """The n-th oldest study."""
        kind = KINDS[self.kinds[n]]
        chance = self.chances[n]
        created = self.began + timedelta(seconds=self.moments[n] * self.length)
        newness = self.archive.studies - n  # 1: the newest
        receiving = newness <= max(2, self.archive.studies // 20_000)
        p = self.patients[n]
        time, uid = stamp(created), f"2.25.{10**24 + n * 7_919_317}"
        description = kind.descriptions[n % len(kind.descriptions)]
        job_state = self._job_state(kind, chance[0], newness, receiving)
        answer = self._answer(kind, n, chance[1]) if job_state is JobState.SUCCEEDED else None
        review, verdict = self._review(answer, chance[2], chance[3], created)
        days = int(chance[4] / LATE_SHARE * 1500) if chance[4] < LATE_SHARE else 0
        priority = Priority.STAT if chance[5] < STAT_SHARE else Priority.ROUTINE
        unrouted = None if kind.pipeline or receiving else f"no pipeline reads {kind.modality}"
        accession, patient = f"A{n:09d}", f"P-{p:07d}"
        family, given = FAMILY_NAMES[p % len(FAMILY_NAMES)], GIVEN_NAMES[p // len(FAMILY_NAMES) % len(GIVEN_NAMES)]
        return Visit(
            n=n,
            stamp=time,
            study_id=id_of(time, "study", n),
            patient_id=id_of(self.first_patient_stamp, "patient", p),
            uid=uid,
            created_at=created,
            ended_at=created + timedelta(seconds=20),
            signed_at=created + timedelta(hours=5),
            study_date=created.date() - timedelta(days=days),
            description=description,
            accession=accession,
            words=f"{patient} {family} {given} {accession} {description} {uid}".lower(),
            modality=kind.modality,
            pipeline=kind.pipeline,
            sop_class=kind.sop_class,
            images=kind.images,
            state=StudyState.RECEIVING if receiving else StudyState.COMPLETE,
            unrouted=unrouted,
            priority=int(priority),
            version=self._version(n) if job_state else None,
            job_state=job_state,
            answer=answer.number if answer else None,
            word=self._word(kind, answer) if verdict is Verdict.EDIT else None,
            urgency_rank=_rank(kind, answer, job_state, review, priority, receiving),
            age_rank=_age_rank(answer, job_state, review, priority, unrouted),
            review_state=review,
            verdict=verdict,
            reader=n % self.archive.readers if review != ReviewState.UNREAD or chance[5] > 0.8 else None,
            reread=self._reread(kind, answer, chance[4], n),
        )

    def _job_state(self, kind: Kind, chance: float, newness: int, receiving: bool) -> JobState | None:
        if not kind.pipeline or receiving:
            return None
        if newness <= max(10, self.archive.studies // 2_000):
            return JobState.QUEUED
        if chance < QUARANTINED_SHARE:
            return JobState.QUARANTINED
        return JobState.FAILED if chance < FAILED_SHARE else JobState.SUCCEEDED

    def _version(self, n: int) -> str:
        return self.versions[0] if n < self.archive.studies // 2 else self.versions[-1]

    def _answer(self, kind: Kind, n: int, chance: float) -> Answer:
        if kind.pipeline != "retinopathy":
            outcome = "answered" if chance < ANSWERED_SHARE else "abstained"
        else:
            grade = int(np.searchsorted(np.cumsum(GRADE_SHARES), chance))
            outcome = str(grade) if grade < len(GRADE_SHARES) - 1 else "abstained"
        return self.answers[kind.pipeline, self._version(n), outcome]

    def _word(self, kind: Kind, answer: Answer | None) -> int | None:
        outcome = "1" if kind.pipeline == "retinopathy" else "answered"
        return self.answers[kind.pipeline, answer.version, outcome].number if answer else None

    def _review(
        self, answer: Answer | None, chance: float, verdict: float, created: datetime
    ) -> tuple[ReviewState, Verdict | None]:
        if answer is None:
            return ReviewState.UNREAD, None
        old = self.archive.now - created > timedelta(days=READ_DAYS)
        signed = SIGNED_OF_OLD if old else SIGNED_OF_NEW
        if chance < signed:
            accepted, edited = VERDICT_SHARES[Verdict.ACCEPT], VERDICT_SHARES[Verdict.EDIT]
            if verdict < accepted:
                return ReviewState.SIGNED, Verdict.ACCEPT
            return ReviewState.SIGNED, Verdict.EDIT if verdict < accepted + edited else Verdict.REJECT
        if not old and chance < signed + DRAFTED_OF_NEW:
            return ReviewState.DRAFTED, None
        return ReviewState.UNREAD, None

    def _reread(self, kind: Kind, answer: Answer | None, chance: float, n: int) -> str | None:
        if kind.pipeline != "retinopathy" or answer is None or answer.version != self.versions[0]:
            return None
        if chance > 1 - 2 * REREAD_SHARE:
            return "done"
        # The batch that runs now goes through the archive from its oldest study on.
        return "queued" if n * 0.5 < self.archive.backlog else None


def _rank(
    kind: Kind,
    answer: Answer | None,
    job_state: JobState | None,
    review: ReviewState,
    priority: Priority,
    receiving: bool,
) -> int:
    if review is ReviewState.SIGNED:
        return RANK_SIGNED
    if answer is not None:
        return RANK_UNANSWERED if answer.abstained else URGENCY_RANKS[answer.urgency]
    if job_state in {JobState.FAILED, JobState.QUARANTINED}:
        return RANK_UNANSWERED
    if job_state is JobState.QUEUED and priority is Priority.STAT:
        return URGENCY_RANKS[Urgency.STAT]
    return RANK_UNROUTED if not kind.pipeline and not receiving else RANK_WAITING


def _age_rank(
    answer: Answer | None, job_state: JobState | None, review: ReviewState, priority: Priority, unrouted: str | None
) -> int:
    line = {
        "review_state": review,
        "priority": priority,
        "result_id": answer and answer.number,
        "job_state": job_state,
        "unrouted_reason": unrouted,
    }
    return age_rank(line, batch_only=False)
