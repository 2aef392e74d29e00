"""Each invariant is violated by what it forbids: rows are broken by hand, as no code of ours would break them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from pipelines.core.types import Reading
from pipelines.exporters.json import reading_json
from pipelines.selftest_words import Act, Word
from services.selftest.evidence import Evidence
from services.selftest.invariants import judge
from services.selftest.ledger import Ledger
from services.selftest.plan import Visit, VisitKind
from services.store import audit, outbox, results
from services.store.session import unit_of_work
from services.store.states import BatchState, JobState, StudyState
from services.store.stores import Store
from services.store.tables import Batch, CurrentResult, Instance, Job, OutboxEvent, Study, WorklistRow
from tests.services.conftest import Desk

VISIT = Visit(0.0, "1-1", VisitKind.SINGLE, Word(Act.SUCCEED), 1)

#: Takes the guard of the audit away, as a database's owner could, and gives it back (a SQLite file is thrown away).
UNGUARDED = {True: "DROP TRIGGER IF EXISTS audit_refuses_update", False: "ALTER TABLE audit DISABLE TRIGGER ALL"}
GUARDED = {True: "SELECT 1", False: "ALTER TABLE audit ENABLE TRIGGER ALL"}


@dataclass
class World:
    """One study that was sent, acknowledged, read once and shown; and what the test may break of it."""

    store: Store
    ledger: Ledger
    logs: Path
    job_id: str
    uid: str
    sha256: str

    def violated(self) -> dict[str, tuple[str, ...]]:
        """The invariants that do not hold, with what violates them."""
        verdicts = judge(Evidence(self.store, self.ledger, self.logs))
        return {verdict.invariant.name: verdict.violations for verdict in verdicts if not verdict.holds}

    def do(self, statement: object) -> None:
        """One statement in a unit of its own."""
        with unit_of_work(self.store.database) as session:
            session.execute(statement)


@pytest.fixture
def world(store: Store, desk: Desk, make_reading: Callable[..., Reading], tmp_path: Path) -> World:
    """Everything is as it should be."""
    job_id = desk.queue()
    claim = desk.claim()
    assert claim is not None
    with unit_of_work(store.database, writing=False) as session:
        instance = session.scalars(select(Instance)).one()
    made = make_reading(artifacts=())
    made = replace(made, receipt=replace(made.receipt, inputs=(f"sha256:{instance.blob_sha256}",)))
    with unit_of_work(store.database) as session:
        results.save_result(session, store.blobs, claim, made, reading_json(made), [])
        session.execute(update(Study).values(state=StudyState.COMPLETE))
    outbox.number_rows(store)
    audit.seal(store)
    ledger = Ledger()
    ledger.begin(VISIT)
    ledger.end(VISIT)
    world = World(store, ledger, tmp_path / "logs", job_id, instance.sop_instance_uid, instance.blob_sha256)
    acknowledge(world, instance.blob_sha256)
    world.logs.mkdir()
    return world


def acknowledge(world: World, sha256: str) -> None:
    """The sender was told that this file is stored."""
    received = {"name": "", "status": "stored", "sop_instance_uid": world.uid}
    world.ledger.acknowledge(VISIT, {world.uid: sha256}, [received])


def test_nothing_is_violated_where_all_is_well(world: World) -> None:
    assert world.violated() == {}


def test_a_sender_that_never_heard_the_end(world: World) -> None:
    world.ledger.begin(replace(VISIT, name="1-2"))
    assert world.violated() == {"senders_answered": ("visit 1-2 never heard the end",)}


def test_an_answer_that_no_sender_should_get(world: World) -> None:
    world.ledger.wonder("POST was answered 500 internal_error")
    assert set(world.violated()) == {"senders_answered"}


def test_an_acknowledged_file_that_is_not_there(world: World) -> None:
    acknowledge(world, "0" * 64)
    assert set(world.violated()) == {"accepted_is_stored"}


def test_bytes_that_are_gone(world: World) -> None:
    world.store.blobs.remove(world.sha256)
    assert set(world.violated()) == {"accepted_is_stored", "no_blob_is_missing"}


def test_bytes_that_were_changed(world: World) -> None:
    Path(world.store.blobs.url.removeprefix("file://"), world.store.blobs.place(world.sha256)).write_bytes(b"other")
    assert set(world.violated()) == {"accepted_is_stored", "no_blob_is_missing"}


def test_a_job_that_succeeded_without_a_result(world: World, desk: Desk) -> None:
    desk.change(desk.queue(study="study-1"), state=JobState.SUCCEEDED)
    assert "one_result_a_job" in world.violated()


def test_a_slot_that_shows_nothing(world: World) -> None:
    world.do(delete(CurrentResult))
    assert {"one_answer_a_slot", "answers_are_complete", "worklist_is_true"} <= set(world.violated())


def test_an_answer_that_was_not_made_from_all_images(world: World, desk: Desk) -> None:
    desk.change(desk.queue(study="study-1"), state=JobState.CANCELLED)
    assert set(world.violated()) == {"answers_are_complete"}


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.QUARANTINED])
def test_an_innocent_job_that_was_given_up(world: World, desk: Desk, state: JobState) -> None:
    desk.change(desk.queue(), state=state)
    world.do(update(Study).values(state=StudyState.COMPLETE))
    assert set(world.violated()) == {"only_poison_fails"}


def plant(world: World, act: Act) -> None:
    """The study that was read had brought poison."""
    poison = replace(VISIT, word=Word(act))
    world.ledger.acknowledge(poison, {world.uid: world.sha256}, [{"status": "stored", "sop_instance_uid": world.uid}])


def test_poison_that_succeeded(world: World) -> None:
    plant(world, Act.CRASH)
    assert set(world.violated()) == {"only_poison_fails"}


@pytest.mark.parametrize(
    ("act", "state", "code", "is_violated"),
    [
        (Act.EXHAUST, JobState.QUARANTINED, "out_of_memory", False),
        (Act.EXHAUST, JobState.FAILED, "job_timeout", False),
        (Act.EXHAUST, JobState.FAILED, "out_of_memory", True),
        (Act.EXHAUST, JobState.FAILED, "internal_error", True),
        (Act.EXHAUST, JobState.FAILED, None, True),
        (Act.CRASH, JobState.FAILED, "job_timeout", True),
    ],
)
def test_poison_may_end_only_by_what_was_planted_or_where_memory_was_by_its_time(
    world: World, desk: Desk, act: Act, state: JobState, code: str | None, is_violated: bool
) -> None:
    plant(world, act)
    desk.change(world.job_id, state=state, error_code=code)
    assert ("only_poison_fails" in world.violated()) is is_violated


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_a_job_that_never_ended(world: World, desk: Desk, state: JobState) -> None:
    desk.change(desk.queue(), state=state)
    assert set(world.violated()) == {"nothing_is_stuck"}


def test_a_study_that_never_closed(world: World) -> None:
    world.do(update(Study).values(state=StudyState.RECEIVING))
    assert set(world.violated()) == {"nothing_is_stuck"}


def test_a_claim_that_another_worker_ended(world: World, desk: Desk) -> None:
    desk.change(world.job_id, worker="w2")
    assert world.violated() == {"claims_and_attempts_fit": (f"claim 1 of job {world.job_id} was w2's and w1 ended it",)}


def test_a_claim_without_an_end(world: World, desk: Desk) -> None:
    desk.change(world.job_id, fence=2)
    assert set(world.violated()) == {"claims_and_attempts_fit"}


def test_an_audit_row_that_was_changed(world: World, store: Store) -> None:
    with unit_of_work(store.database) as session:
        session.execute(text(UNGUARDED[store.database.is_sqlite]))
        session.execute(text("UPDATE audit SET actor = 'somebody else' WHERE id = (SELECT min(id) FROM audit)"))
        session.execute(text(GUARDED[store.database.is_sqlite]))
    assert set(world.violated()) == {"audit_is_whole"}


def test_an_event_that_is_gone(world: World) -> None:
    world.do(delete(OutboxEvent).where(OutboxEvent.number == 1))
    assert set(world.violated()) == {"events_have_no_gap"}


def test_a_worklist_that_shows_another_result(world: World) -> None:
    world.do(update(WorklistRow).values(result_id=None))
    assert set(world.violated()) == {"worklist_is_true"}


def test_a_batch_that_never_ended(world: World, store: Store) -> None:
    with unit_of_work(store.database) as session:
        model = session.get_one(Job, world.job_id).model_version_id
        session.add(
            Batch(
                name="b",
                pipeline="retinopathy",
                model_version_id=model,
                source={},
                query={},
                window={},
                budget={},
                state=BatchState.RUNNING,
                created_by="tests",
            )
        )
    assert set(world.violated()) == {"batches_end"}


def test_a_process_that_stumbled(world: World) -> None:
    (world.logs / "worker-1.log").write_text(json.dumps({"event": "worker.defect", "exception": "KeyError"}) + '\n{"ev')
    assert set(world.violated()) == {"no_defect"}
