"""The worklist: what each change makes of it, its filters, its pages and what they cost."""

from __future__ import annotations

import time
from datetime import date
from threading import Thread

import pytest
from sqlalchemy import Select, event, text, update

from pipelines.core.types import Urgency
from services.store import worklist
from services.store.session import unit_of_work
from services.store.states import JobState, Priority, ReviewAction, ReviewState, StudyState, Verdict
from services.store.stores import Store
from services.store.studies import close_study, get_study, lock_study
from services.store.tables import Assignment, Job, WorklistRow
from services.store.worklist_pages import Place, WorklistFilters, list_rows, place_of, worklist_query
from tests.services.store.world import Reading, Sent, answer, queue, reader, receive, receive_in, say

EVERYTHING = WorklistFilters()


def rows(
    store: Store, filters: WorklistFilters = EVERYTHING, after: Place | None = None, limit: int = 50
) -> list[WorklistRow]:
    """A page of the list."""
    with unit_of_work(store.database, writing=False) as session:
        return list(list_rows(session, store.site_id, filters, after, limit))


def read_study(
    store: Store,
    number: int,
    urgency: Urgency | None = None,
    *,
    abstained: bool = False,
    state: JobState = JobState.SUCCEEDED,
    modality: str = "OP",
    priority: Priority = Priority.ROUTINE,
) -> Reading:
    """A study with a job and, where an urgency is given, an answer; projected."""
    with unit_of_work(store.database) as session:
        sent = Sent(f"content {number}", sop=f"1.{number}", study=f"2.{number}", modality=modality, priority=priority)
        study_id, _ = receive_in(session, store, sent)
        reading = queue(session, study_id, state, priority)
        if urgency is not None:
            answer(session, reading, urgency, abstained=abstained)
        worklist.project(session, study_id)
    return reading


def test_a_received_study_stands_on_the_list_before_anything_reads_it(each_store: Store) -> None:
    study_id, _ = receive(each_store)
    with unit_of_work(each_store.database) as session:
        worklist.project(session, study_id)
    [row] = rows(each_store)
    assert (row.study_id, row.pipeline, row.study_state) == (study_id, "", StudyState.RECEIVING)
    assert (row.modality, row.study_date, row.review_state) == ("OP", date(2026, 1, 2), ReviewState.UNREAD)


def test_an_unrouted_study_says_why(store: Store) -> None:
    study_id, _ = receive(store)
    with unit_of_work(store.database) as session:
        close_study(session, study_id)
        get_study(session, study_id).unrouted_reason = "it reads OP, the study holds CT"
        worklist.project(session, study_id)
    [row] = rows(store)
    assert (row.unrouted_reason, row.urgency_rank) == ("it reads OP, the study holds CT", worklist.RANK_UNROUTED)


def test_routing_replaces_the_row_that_waited(each_store: Store) -> None:
    study_id, _ = receive(each_store)
    with unit_of_work(each_store.database) as session:
        worklist.project(session, study_id)
    with unit_of_work(each_store.database) as session:
        reading = queue(session, study_id)
        worklist.project(session, study_id)
    [row] = rows(each_store)
    assert (row.slot_id, row.pipeline, row.job_id, row.job_state) == (
        reading.slot_id,
        "retinopathy",
        reading.job_id,
        JobState.QUEUED,
    )


def test_projecting_again_keeps_the_row(store: Store) -> None:
    reading = read_study(store, 1, Urgency.URGENT)
    [before] = rows(store)
    with unit_of_work(store.database) as session:
        worklist.project(session, reading.study_id)
    [after] = rows(store)
    assert after.id == before.id


def test_a_signed_edit_stands_in_the_headline_with_the_worse_eye(store: Store) -> None:
    reading = read_study(store, 1, Urgency.CHECK, abstained=True)
    eyes: list[dict[str, object]] = [
        {"label": "dr_grade", "value": 1, "laterality": "R"},
        {"label": "dr_grade", "value": 4, "laterality": "L"},
    ]
    with unit_of_work(store.database) as session:
        say(session, reading, reader(session), ReviewAction.SIGN, Verdict.EDIT, eyes)
        worklist.project(session, reading.study_id)
    [row] = rows(store)
    assert (row.headline, row.confidence) == ("DR grade 4", None)


def test_an_answer_shows_its_headline_and_confidence(store: Store) -> None:
    read_study(store, 1, Urgency.URGENT)
    [row] = rows(store)
    assert (row.headline, row.confidence, row.urgency, row.abstained) == ("DR grade 2", 0.9, "urgent", False)


def test_an_abstention_says_why_instead(store: Store) -> None:
    read_study(store, 1, Urgency.CHECK, abstained=True)
    [row] = rows(store)
    assert (row.headline, row.abstained) == ("no answer: below_confidence", True)


def test_a_failed_job_shows_its_code(store: Store) -> None:
    with unit_of_work(store.database) as session:
        study_id, _ = receive_in(session, store, Sent())
        reading = queue(session, study_id, JobState.FAILED)
        session.get_one(Job, reading.job_id).error_code = "corrupt_pixels"
        worklist.project(session, study_id)
    [row] = rows(store)
    assert (row.job_state, row.job_error, row.urgency_rank) == (JobState.FAILED, "corrupt_pixels", 0)


def test_the_list_begins_with_what_the_machine_cannot_answer(each_store: Store) -> None:
    read_study(each_store, 1, Urgency.ROUTINE)
    read_study(each_store, 2, None, state=JobState.RUNNING)
    read_study(each_store, 3, Urgency.STAT)
    read_study(each_store, 4, Urgency.CHECK)
    read_study(each_store, 5, Urgency.ROUTINE, abstained=True)
    read_study(each_store, 6, Urgency.URGENT)
    read_study(each_store, 7, None, state=JobState.FAILED)
    read_study(each_store, 8, None, state=JobState.QUEUED, priority=Priority.STAT)
    signed = read_study(each_store, 9, Urgency.STAT)
    with unit_of_work(each_store.database) as session:
        say(session, signed, reader(session), ReviewAction.SIGN, Verdict.ACCEPT)
        worklist.project(session, signed.study_id)
    with unit_of_work(each_store.database, writing=False) as session:
        numbers = {
            study_id: int(uid.removeprefix("2."))
            for study_id, uid in session.execute(text("SELECT id, study_instance_uid FROM studies"))
        }
    assert [numbers[row.study_id] for row in rows(each_store)] == [5, 7, 3, 8, 6, 4, 1, 2, 9]


@pytest.mark.parametrize(
    ("actions", "state", "verdict"),
    [
        ([], ReviewState.UNREAD, None),
        ([(ReviewAction.DRAFT, None)], ReviewState.DRAFTED, None),
        ([(ReviewAction.DRAFT, None), (ReviewAction.SIGN, Verdict.ACCEPT)], ReviewState.SIGNED, Verdict.ACCEPT),
        ([(ReviewAction.SIGN, Verdict.ACCEPT), (ReviewAction.UNDO, None)], ReviewState.UNREAD, None),
        ([(ReviewAction.SIGN, Verdict.ACCEPT), (ReviewAction.AMEND, Verdict.EDIT)], ReviewState.SIGNED, Verdict.EDIT),
        (
            [(ReviewAction.SIGN, Verdict.ACCEPT), (ReviewAction.AMEND, Verdict.EDIT), (ReviewAction.UNDO, None)],
            ReviewState.SIGNED,
            Verdict.ACCEPT,
        ),
        ([(ReviewAction.SIGN, Verdict.ACCEPT), (ReviewAction.DRAFT, None)], ReviewState.SIGNED, Verdict.ACCEPT),
        (
            [(ReviewAction.SIGN, Verdict.REJECT), (ReviewAction.ADJUDICATE, Verdict.ACCEPT)],
            ReviewState.SIGNED,
            Verdict.ACCEPT,
        ),
    ],
)
def test_the_newest_signature_that_nobody_took_back_counts(
    store: Store, actions: list[tuple[ReviewAction, Verdict | None]], state: ReviewState, verdict: Verdict | None
) -> None:
    reading = read_study(store, 1, Urgency.ROUTINE)
    with unit_of_work(store.database) as session:
        person = reader(session)
        for action, said in actions:
            say(session, reading, person, action, said)
        worklist.project(session, reading.study_id)
    [row] = rows(store)
    assert (row.review_state, row.verdict) == (state, verdict)


@pytest.fixture
def mixed(store: Store) -> dict[str, str]:
    """Three studies that differ in everything one can filter by; name -> study id."""
    fundus = read_study(store, 1, Urgency.URGENT)
    head = read_study(store, 2, None, state=JobState.FAILED, modality="CT")
    waiting = read_study(store, 3, None, state=JobState.QUEUED)
    with unit_of_work(store.database) as session:
        receive_in(session, store, Sent("report", sop="1.99", study="2.2", modality="SR"))
        close_study(session, fundus.study_id)
        get_study(session, waiting.study_id).study_date = date(2026, 3, 1)
        person = reader(session)
        session.add(Assignment(slot_id=fundus.slot_id, user_id=person))
        say(session, fundus, person, ReviewAction.DRAFT)
        for reading in (fundus, head, waiting):
            worklist.project(session, reading.study_id)
    return {"fundus": fundus.study_id, "head": head.study_id, "waiting": waiting.study_id, "person": person}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (WorklistFilters(study_state="complete"), {"fundus"}),
        (WorklistFilters(job_state="failed"), {"head"}),
        (WorklistFilters(modality="SR"), {"head"}),
        (WorklistFilters(modality="CT"), {"head"}),
        (WorklistFilters(modality="C_"), set()),
        (WorklistFilters(pipeline="retinopathy"), {"fundus", "head", "waiting"}),
        (WorklistFilters(pipeline="segmentation"), set()),
        (WorklistFilters(urgency="urgent"), {"fundus"}),
        (WorklistFilters(abstained=False, review_state="unread"), {"head", "waiting"}),
        (WorklistFilters(review_state="drafted"), {"fundus"}),
        (WorklistFilters(first_day=date(2026, 3, 1)), {"waiting"}),
        (WorklistFilters(last_day=date(2026, 1, 2)), {"fundus", "head"}),
        (WorklistFilters(study_ids=[]), set()),
    ],
)
def test_a_filter_lets_just_its_rows_pass(
    store: Store, mixed: dict[str, str], filters: WorklistFilters, names: set[str]
) -> None:
    assert {row.study_id for row in rows(store, filters)} == {mixed[name] for name in names}


def test_a_reader_finds_what_is_assigned_to_them(store: Store, mixed: dict[str, str]) -> None:
    assert [row.study_id for row in rows(store, WorklistFilters(assignee_id=mixed["person"]))] == [mixed["fundus"]]


def test_pages_one_after_another_hold_every_row_once(each_store: Store) -> None:
    for number in range(7):
        read_study(each_store, number, Urgency.STAT if number % 2 else Urgency.ROUTINE)
    whole = [row.id for row in rows(each_store)]
    first = rows(each_store, limit=3)
    second = rows(each_store, after=place_of(first[-1]), limit=3)
    third = rows(each_store, after=place_of(second[-1]), limit=3)
    assert [row.id for page in (first, second, third) for row in page] == whole
    assert rows(each_store, after=place_of(third[-1])) == []


def plan_of(store: Store, query: Select[WorklistRow]) -> str:
    """How the database would run the query; PostgreSQL has to be kept from scanning so small a table."""
    with unit_of_work(store.database) as session:
        spoken = query.compile(session.connection(), compile_kwargs={"literal_binds": True})
        if store.database.is_sqlite:
            return "\n".join(str(line) for line in session.execute(text(f"EXPLAIN QUERY PLAN {spoken}")))
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_bitmapscan = off"))
        return "\n".join(str(line) for line in session.execute(text(f"EXPLAIN {spoken}")))


@pytest.mark.parametrize(
    ("filters", "index"),
    [(EVERYTHING, "ix_worklist_order"), (WorklistFilters(review_state="unread"), "ix_worklist_review")],
)
def test_a_page_is_read_in_the_order_of_an_index_from_one_table(
    store: Store, filters: WorklistFilters, index: str
) -> None:
    if not store.database.is_sqlite:
        pytest.skip("PostgreSQL's planner goes by statistics, which a filled database has: test_plans.py asks it")
    read_study(store, 1, Urgency.STAT)
    [row] = rows(store)
    plan = plan_of(store, worklist_query(store.site_id, filters, place_of(row)).limit(50))
    assert index in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
    assert "JOIN" not in plan.upper()


@pytest.mark.postgresql
def test_a_claimed_job_and_a_late_image_of_its_study_do_not_wait_for_each_other(postgresql_store: Store) -> None:
    store = postgresql_store
    reading = read_study(store, 1, state=JobState.QUEUED)

    set_state = update(Job).where(Job.id == reading.job_id)

    def reopen() -> None:
        with unit_of_work(store.database) as session:
            lock_study(session, reading.study_id)
            session.execute(set_state.values(state=JobState.CANCELLED))
            worklist.project(session, reading.study_id)

    late_image = Thread(target=reopen)
    with unit_of_work(store.database) as session:
        session.execute(set_state.values(state=JobState.RUNNING))
        late_image.start()
        wait_for_a_waiter(store)
        worklist.project(session, reading.study_id)
    late_image.join()
    [row] = rows(store)
    assert row.job_state == JobState.CANCELLED


def wait_for_a_waiter(store: Store) -> None:
    """Until some transaction waits for another."""
    deadline = time.monotonic() + 60
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while True:
        with unit_of_work(store.database, writing=False) as session:
            if session.scalar(waiting):
                return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_changes_of_one_study_at_once_all_end_on_the_list(each_store: Store) -> None:
    reading = read_study(each_store, 1, Urgency.URGENT, state=JobState.RUNNING)
    with unit_of_work(each_store.database) as session:
        person = reader(session)

    def finish() -> None:
        with unit_of_work(each_store.database) as session:
            session.get_one(Job, reading.job_id).state = JobState.SUCCEEDED
            worklist.project(session, reading.study_id)

    def sign() -> None:
        with unit_of_work(each_store.database) as session:
            say(session, reading, person, ReviewAction.SIGN, Verdict.ACCEPT)
            worklist.project(session, reading.study_id)

    threads = [Thread(target=act) for act in (finish, sign)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [row] = rows(each_store)
    assert (row.job_state, row.review_state) == (JobState.SUCCEEDED, ReviewState.SIGNED)


def test_a_study_changed_many_times_in_one_transaction_is_projected_once(store: Store) -> None:
    study_id, _ = receive(store)
    statements: list[str] = []
    with unit_of_work(store.database) as session:
        event.listen(store.database.engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
        for _ in range(3):
            worklist.project(session, study_id)
    assert sum(statement.startswith("INSERT INTO worklist") for statement in statements) == 1
    assert sum(statement.startswith("UPDATE worklist") for statement in statements) == 0
