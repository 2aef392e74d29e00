"""Who says otherwise of a reading, what cannot be graded, and where both stand in the list."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from services.store import worklist
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.states import Disagreement, JobRole, JobState, ReviewAction, ReviewState, Verdict
from services.store.stores import Store
from services.store.tables import CurrentResult, Job, ReadingRule, Result, SecondRead, WorklistRow
from services.store.worklist_pages import WorklistFilters, list_rows
from tests.services.store.world import Reading, Sent, digest_of, document, queue, reader, receive_in, say

ANY = WorklistFilters(disagreements=tuple(Disagreement))


def result(
    session: Session, reading: Reading, grade: int, role: JobRole, *, inputs: str = "image", gradable: bool = True
) -> str:
    """A machine's result of the reading's slot."""
    told = document(grade) | {
        "pipeline": "retinopathy",
        "urgency": "routine",
        "quality": {"gradable": gradable, "score": 0.5},
        "receipt": {"inputs": [f"sha256:{digest_of(inputs)}"]},
    }
    row = Result(
        id=new_id(),
        job_id=reading.job_id if role is JobRole.LIVE else shadow_job(session, reading),
        slot_id=reading.slot_id,
        study_id=reading.study_id,
        pipeline="retinopathy",
        role=role,
        model_name="fundus_dr_grading",
        model_version="1.0.0",
        model_sha256=digest_of("weights"),
        receipt_digest=digest_of("receipt"),
        abstained=False,
        urgency="routine",
        document=told,
    )
    session.add(row)
    session.flush()
    return row.id


def shadow_job(session: Session, reading: Reading) -> str:
    """A job of a shadow on the same slot."""
    job = Job(
        id=new_id(),
        key=digest_of(f"shadow of {reading.slot_id}"),
        slot_id=reading.slot_id,
        study_id=reading.study_id,
        pipeline="retinopathy",
        pipeline_revision=1,
        role=JobRole.SHADOW,
        queue="retinopathy",
        priority=1,
        parameters={},
        state=JobState.SUCCEEDED,
    )
    session.add(job)
    session.flush()
    return job.id


def read_study(session: Session, store: Store, number: int = 1, *, gradable: bool = True) -> Reading:
    """A study of grade 2 that the machine has read."""
    study_id, _ = receive_in(session, store, Sent(f"content {number}", sop=f"1.{number}", study=f"2.{number}"))
    reading = queue(session, study_id, JobState.SUCCEEDED)
    reading.result_id = result(session, reading, 2, JobRole.LIVE, gradable=gradable)
    session.add(CurrentResult(slot_id=reading.slot_id, result_id=reading.result_id))
    worklist.project(session, study_id)
    return reading


def rows(store: Store, filters: WorklistFilters) -> list[WorklistRow]:
    """The rows that pass."""
    with unit_of_work(store.database, writing=False) as session:
        return list(list_rows(session, store.site_id, filters, None, 10))


@pytest.mark.parametrize(
    ("grade", "inputs", "found"),
    [(2, "image", []), (4, "image", [Disagreement.SHADOW]), (4, "another image", [])],
)
def test_a_shadow_disagrees_where_it_reads_the_same_images_otherwise(
    each_store: Store, grade: int, inputs: str, found: list[Disagreement]
) -> None:
    with unit_of_work(each_store.database) as session:
        reading = read_study(session, each_store)
        result(session, reading, grade, JobRole.SHADOW, inputs=inputs)
    assert [row.disagreement for row in rows(each_store, ANY)] == found


def test_what_the_machine_cannot_grade_is_found_alone(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        poor = read_study(session, each_store, 1, gradable=False)
        read_study(session, each_store, 2)
    assert [row.study_id for row in rows(each_store, WorklistFilters(gradable=False))] == [poor.study_id]


def test_two_readers_who_disagree_come_before_everything(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        read_study(session, each_store, 1)
        reading = read_study(session, each_store, 2)
        rule = ReadingRule(id=new_id(), name="all", share=1.0, urgencies=[], created_by="system")
        session.add(rule)
        session.flush()
        session.add(SecondRead(slot_id=reading.slot_id, rule_id=rule.id, reason="share"))
        session.flush()
        say(session, reading, reader(session, "one"), ReviewAction.SIGN, Verdict.ACCEPT)
        say(session, reading, reader(session, "two"), ReviewAction.SIGN, Verdict.REJECT)
        worklist.project(session, reading.study_id)
    first = rows(each_store, WorklistFilters(open=True))[0]
    assert (first.study_id, first.review_state) == (reading.study_id, ReviewState.ADJUDICATION)
    assert [row.disagreement for row in rows(each_store, ANY)] == [Disagreement.READERS]


def test_what_is_signed_is_not_open(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        reading = read_study(session, each_store)
        say(session, reading, reader(session), ReviewAction.SIGN, Verdict.ACCEPT)
        worklist.project(session, reading.study_id)
    assert rows(each_store, WorklistFilters(open=True)) == []
