"""What must be true of every system after whatever happened to it; each invariant names what breaks it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from pipelines.core.errors import JobTimeout, NotFound
from pipelines.selftest_words import Act
from services.selftest.evidence import Evidence
from services.selftest.plan import VisitKind
from services.store import audit, check, outbox
from services.store.session import unit_of_work
from services.store.states import (
    AttemptOutcome,
    BatchItemState,
    BatchState,
    JobRole,
    JobState,
    StudyState,
)
from services.store.tables import Batch, BatchItem, Job, OutboxEvent, Result, Slot, Study, WorklistRow

_ENDED: Final = (JobState.SUCCEEDED, JobState.FAILED, JobState.QUARANTINED, JobState.CANCELLED)
#: How a job of planted poison may end; one that a person cancelled, or a late slice, is cancelled.
_POISONED: Final[dict[Act, tuple[JobState, ...]]] = {
    Act.CRASH: (JobState.QUARANTINED,),
    Act.EXHAUST: (JobState.QUARANTINED,),
    Act.FAIL: (JobState.FAILED,),
    Act.DEFECT: (JobState.FAILED, JobState.QUARANTINED),
    Act.HANG: (JobState.FAILED, JobState.QUARANTINED),
}
#: How else it may have failed, by the code of its error: on a slow machine the time of a job may end before its memory.
_ELSE_FAILED: Final[dict[Act, str]] = {Act.EXHAUST: JobTimeout.code}


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that must hold; `violations` yields a line with ids for each place where it does not."""

    name: str
    sentence: str
    violations: Callable[[Evidence], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An invariant and where it was violated."""

    invariant: Invariant
    violations: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing violates it."""
        return not self.violations


def judge(evidence: Evidence) -> list[Verdict]:
    """Look at each invariant."""
    return [Verdict(invariant, tuple(invariant.violations(evidence))) for invariant in INVARIANTS]


def _answered(evidence: Evidence) -> Iterator[str]:
    yield from (f"visit {name} never heard the end" for name in evidence.ledger.unanswered)
    yield from evidence.ledger.oddities


def _accepted(evidence: Evidence) -> Iterator[str]:
    kept = {(one.sop_instance_uid, one.blob_sha256): one for one, _ in evidence.instances}
    kept |= {(one.sop_instance_uid, one.source_sha256): one for one, _ in evidence.instances if one.source_sha256}
    for file in evidence.ledger.files:
        if (file.sop_instance_uid, file.sha256) not in kept:
            yield f"a file of visit {file.visit.name} was acknowledged and is not there"
        elif not _bytes_are(evidence, file.sha256):
            yield f"the bytes of blob {file.sha256} are not those that were sent"


def _bytes_are(evidence: Evidence, sha256: str) -> bool:
    try:
        with evidence.store.blobs.open(sha256) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256  # type: ignore[arg-type]
    except NotFound:
        return False


def _once(evidence: Evidence) -> Iterator[str]:
    keys = Counter(job.key for job in evidence.jobs)
    yield from (f"{number} jobs have the key {key}" for key, number in keys.items() if number > 1)
    made = Counter(result.job_id for result in evidence.results)
    for job in evidence.jobs:
        wanted = 1 if job.state == JobState.SUCCEEDED else 0
        if made[job.id] != wanted:
            yield f"job {job.id} is {job.state} and has {made[job.id]} results"


def _current(evidence: Evidence) -> Iterator[str]:
    live = {job.id for job in evidence.jobs if job.role == JobRole.LIVE}  # a study may wait for what a batch had asked
    newest: dict[str, Result] = {}
    for result in sorted(evidence.results, key=lambda result: result.job_id):
        if result.job_id in live:
            newest[result.slot_id] = result
    slot_of = {result.id: result.slot_id for result in evidence.results}
    for slot_id, result in newest.items():
        row = evidence.current.get(slot_id)
        if row is None or (row.result_id != result.id and slot_of.get(row.result_id) == slot_id):
            shown = row.result_id if row else None
            yield f"slot {slot_id} shows {shown} and not its newest live result {result.id}"
    for slot_id, row in evidence.current.items():
        if slot_of.get(row.result_id) != slot_id:
            yield f"slot {slot_id} shows result {row.result_id} of another slot"


def _complete(evidence: Evidence) -> Iterator[str]:
    """Every study that was accepted and is innocent shows an answer over exactly the images it holds."""
    held: dict[str, set[str]] = {}
    for instance, study_id in evidence.instances:
        held.setdefault(study_id, set()).add(f"sha256:{instance.blob_sha256}")
    documents = {result.id: result for result in evidence.results}
    shown = {documents[row.result_id].study_id: documents[row.result_id] for row in evidence.current.values()}
    for study_id, visit in evidence.visit_of_study.items():
        if visit.is_poison or visit.kind is VisitKind.CANCEL:
            continue
        result = shown.get(study_id)
        if result is None:
            yield f"study {study_id} of visit {visit.name} has no answer"
        elif set(result.document["receipt"]["inputs"]) != held[study_id]:
            yield f"the answer of study {study_id} (visit {visit.name}) was not made from all of its images"


def _poison(evidence: Evidence) -> Iterator[str]:
    for job in evidence.jobs:
        act = evidence.poison_of(job)
        if act is None and job.state in (JobState.FAILED, JobState.QUARANTINED):
            yield f"job {job.id} is {job.state} ({job.error_code}) and was not planted"
        if act is not None and not _ended_as_planted(act, job):
            yield f"job {job.id} was planted to {act} and is {job.state} ({job.error_code})"


def _ended_as_planted(act: Act, job: Job) -> bool:
    if job.state == JobState.FAILED and act in _ELSE_FAILED and job.error_code == _ELSE_FAILED[act]:
        return True
    return job.state in (*_POISONED[act], JobState.CANCELLED)


def _ended(evidence: Evidence) -> Iterator[str]:
    yield from (f"job {job.id} is still {job.state}" for job in evidence.jobs if job.state not in _ENDED)
    with unit_of_work(evidence.store.database, writing=False) as session:
        open_studies = session.scalars(select(Study.id).where(Study.state != StudyState.COMPLETE)).all()
    yield from (f"study {study} never closed" for study in open_studies)


def _fences(evidence: Evidence) -> Iterator[str]:
    for job in evidence.jobs:
        attempts = evidence.attempts[job.id]
        fences = [attempt.fence for attempt in attempts]
        if job.state in _ENDED and fences != list(range(1, job.fence + 1)):
            yield f"job {job.id} was claimed {job.fence} times and its attempts are {fences}"
        last = attempts[-1] if attempts else None
        if job.state == JobState.SUCCEEDED and (last is None or last.outcome != AttemptOutcome.SUCCEEDED):
            yield f"job {job.id} succeeded and its last attempt did not"
        if last is not None and last.fence == job.fence and last.worker != job.worker:
            yield f"claim {job.fence} of job {job.id} was {job.worker}'s and {last.worker} ended it"


def _blobs(evidence: Evidence) -> Iterator[str]:
    report = check.check(evidence.store)
    yield from (f"blob {sha256} is missing" for sha256 in report.missing)
    yield from (f"blob {sha256} is damaged" for sha256 in report.damaged)


def _audit(evidence: Evidence) -> Iterator[str]:
    while audit.seal(evidence.store) or audit.seal_late(evidence.store):
        pass
    verdict = audit.verify(evidence.store)
    if verdict.broken is not None:
        yield verdict.broken
    if verdict.unsealed:
        yield f"{verdict.unsealed} rows are not sealed"


def _events(evidence: Evidence) -> Iterator[str]:
    outbox.number_rows(evidence.store)  # what the workers said after the scheduler had stopped
    with unit_of_work(evidence.store.database, writing=False) as session:
        loose = session.scalar(select(func.count()).where(OutboxEvent.number.is_(None))) or 0
        numbers = session.scalars(
            select(OutboxEvent.number).where(OutboxEvent.number.is_not(None)).order_by(OutboxEvent.number)
        ).all()
    if loose:
        yield f"{loose} events have no number"
    if list(numbers) != list(range(1, len(numbers) + 1)):
        yield "the numbers of events have gaps"


def _worklist(evidence: Evidence) -> Iterator[str]:
    """The list that people read says what the tables say."""
    with unit_of_work(evidence.store.database, writing=False) as session:
        rows = {
            row.slot_id: row for row in session.scalars(select(WorklistRow).where(WorklistRow.slot_id.is_not(None)))
        }
        slots = set(session.scalars(select(Slot.id).where(Slot.id.in_(select(Job.slot_id)))))
    yield from (f"slot {slot_id} is not in the worklist" for slot_id in sorted(slots - {str(one) for one in rows}))
    for slot_id, row in rows.items():
        current = evidence.current.get(slot_id or "")
        if row.result_id != (current.result_id if current else None):
            yield f"the worklist shows {row.result_id} for slot {slot_id}"


def _batches(evidence: Evidence) -> Iterator[str]:
    with unit_of_work(evidence.store.database, writing=False) as session:
        batches = session.scalars(select(Batch)).all()
        items = session.scalars(select(BatchItem)).all()
    over = (BatchState.FINISHED, BatchState.CANCELLED)
    yield from (f"batch {batch.id} is still {batch.state}" for batch in batches if batch.state not in over)
    open_states = (BatchItemState.WAITING, BatchItemState.QUEUED)
    yield from (
        f"item {item.id} of batch {item.batch_id} is {item.state}" for item in items if item.state in open_states
    )
    subjects = Counter((item.batch_id, item.subject_kind, item.subject_id) for item in items)
    yield from (
        f"batch {key[0]} read {key[1]} {key[2]} {number} times" for key, number in subjects.items() if number > 1
    )
    made = {result.id for result in evidence.results}
    for item in items:
        if item.state == BatchItemState.DONE and item.new_result_id not in made:
            yield f"item {item.id} is done and has no result"


def _defects(evidence: Evidence) -> Iterator[str]:
    yield from evidence.defects()


INVARIANTS: Final = (
    Invariant("senders_answered", "every request was answered in the end, none with a defect", _answered),
    Invariant("accepted_is_stored", "every acknowledged file is stored with its hash", _accepted),
    Invariant("one_result_a_job", "every job has its own key and one result if it succeeded", _once),
    Invariant("one_answer_a_slot", "every slot shows its newest live result and no other", _current),
    Invariant("answers_are_complete", "every innocent study has an answer over all its images", _complete),
    Invariant("only_poison_fails", "what was planted failed or was quarantined, and nothing else", _poison),
    Invariant("nothing_is_stuck", "every job ended and every study closed", _ended),
    Invariant("claims_and_attempts_fit", "every claim ended once, by the worker that held it", _fences),
    Invariant("no_blob_is_missing", "all bytes that rows refer to are there and undamaged", _blobs),
    Invariant("audit_is_whole", "the audit chain is sealed and unbroken", _audit),
    Invariant("events_have_no_gap", "events are numbered from 1 without a gap", _events),
    Invariant("worklist_is_true", "the worklist shows what the slots show", _worklist),
    Invariant("batches_end", "every batch and all its items ended, none twice", _batches),
    Invariant("no_defect", "no process stumbled over a mistake of its own", _defects),
)
