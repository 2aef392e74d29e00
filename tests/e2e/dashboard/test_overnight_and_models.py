"""Readings overnight and models in a real browser: who changes, gone through by keys; a model's weeks and decisions."""

from __future__ import annotations

import copy
import hashlib
import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from pipelines.core.change import compare
from services.api.result_examples import SEGMENTATION
from services.store import batches, models, worklist
from services.store.batches import NewBatch
from services.store.clock import utcnow
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.states import BatchItemState, BatchState, JobRole, JobState, ModelState, Priority
from services.store.stores import Store
from services.store.tables import ArtifactRow, Batch, BatchItem, Job, ModelVersion, Result
from tests.e2e.dashboard.room import Room
from tests.e2e.dashboard.written import volumes_study
from tests.services.counted import VERSION, Weeks

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WATCHED = "watched_model"


@dataclass(frozen=True)
class Night:
    """A batch that has ended, written as the scheduler and the workers would."""

    store: Store
    id: str

    def changed(self, patient_id: str, factor: float) -> None:
        """A study whose volumes came out so many times as large."""
        written = volumes_study(self.store, patient_id, SEGMENTATION)
        with unit_of_work(self.store.database) as session:
            old = session.get_one(Result, written.results["segmentation"])
            document = copy.deepcopy(old.document)
            for finding in document["findings"]:
                if finding["unit"] == "ml":
                    finding["value"] *= factor
                    finding["interval"] = [end * factor for end in finding["interval"]]
            job = Job(
                id=new_id(), key=hashlib.sha256(patient_id.encode()).hexdigest(), slot_id=old.slot_id,
                study_id=old.study_id, pipeline=old.pipeline, pipeline_revision=1, role=JobRole.BATCH,
                queue=old.pipeline, priority=int(Priority.BATCH), parameters={}, state=JobState.SUCCEEDED,
            )  # fmt: skip
            session.add(job)
            session.flush()
            told = ("model_name", "model_version", "model_sha256", "receipt_digest", "abstained", "urgency")
            new = Result(
                id=new_id(), job_id=job.id, slot_id=old.slot_id, study_id=old.study_id, pipeline=old.pipeline,
                role=JobRole.BATCH, document=document, **{name: getattr(old, name) for name in told},
            )  # fmt: skip
            session.add(new)
            session.flush()
            for file in session.scalars(select(ArtifactRow).filter_by(result_id=old.id)).all():
                kept = {name: getattr(file, name) for name in ("name", "kind", "media_type", "bytes", "blob_sha256")}
                session.add(ArtifactRow(result_id=new.id, **kept))
            change = compare(old.document, document)
            item = BatchItem(
                batch_id=self.id, study_id=old.study_id, subject_kind="study", subject_id=old.study_id,
                job_id=job.id, state=BatchItemState.DONE, old_result_id=old.id, new_result_id=new.id,
                change=change.kind, weight=change.weight, headline=change.headline, finished_at=utcnow(),
            )  # fmt: skip
            session.add(item)
            session.flush()
            worklist.project(session, old.study_id)


@pytest.fixture(scope="module")
def night(system) -> Night:
    """A night in which two studies changed, one more than the other."""
    with unit_of_work(system.store.database) as session:
        version = models.active_version(session, "hippocampus_segmentation")
        assert version is not None
        asked = NewBatch("Night of the journey", "segmentation", version.id, {"kind": "stored"}, {}, {}, {}, "user:1")
        batch = batches.add_batch(session, asked)
        batch.state = BatchState.FINISHED
        batch.started_at = batch.planned_at = batch.finished_at = utcnow()
        made = Night(system.store, batch.id)
    made.changed("N-3001", 1.15)
    made.changed("N-3002", 2.0)
    return made


def test_who_changes_is_gone_through_by_keyboard_alone(room: Room, night: Night) -> None:
    page = room.page
    room.go("/batches")
    batch = page.get_by_role("link", name="Night of the journey")
    expect(page.get_by_role("row").filter(has=batch)).to_contain_text("Finished")
    batch.focus()
    room.press("Enter")
    expect(page.get_by_text("2 studies with another answer")).to_be_visible()
    expect(page.get_by_text("N-3002")).to_be_visible()
    old, new = (page.get_by_role("region", name=name) for name in ("Answer there was", "New answer"))
    anterior = re.compile("Anterior.*Right")
    expect(old.get_by_role("row").filter(has_text=anterior).first).to_contain_text("1.62")
    expect(new.get_by_role("row").filter(has_text=anterior).first).to_contain_text("3.2")
    for side in (old, new):
        expect(side.get_by_role("img").first).not_to_have_js_property("naturalWidth", 0)
    room.keep("overnight")
    room.press("d")
    expect(page.get_by_text("N-3001")).to_be_visible()
    expect(page.get_by_text("1 to look at")).to_be_visible()
    room.press("A")
    expect(page.get_by_text("It is on your list now.")).to_be_visible()
    room.press("Enter")
    expect(page.get_by_role("heading", name="N-3001", exact=True)).to_be_visible()


def test_a_batch_is_previewed_and_a_refusal_starts_nothing(room: Room, night: Night) -> None:
    page = room.page
    room.go("/batches/new")
    page.get_by_label("Name").fill("Too small")
    page.get_by_label("Question").select_option(label="Hippocampus volumes")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="What it would take")).to_be_visible()
    page.get_by_label("Time zone").fill("Nowhere/Land")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was started")
    with unit_of_work(room.system.store.database, writing=False) as session:
        assert session.query(Batch).filter_by(name="Too small").count() == 0
    room.faults.clear()  # the browser logs that the server refused


@pytest.fixture(scope="module")
def watched(system) -> str:
    """A model that no pipeline of the release runs, with two versions and fourteen weeks of results."""
    with unit_of_work(system.store.database) as session:
        bundle = models.active_version(session, "fundus_dr_grading")
        assert bundle is not None
        for number, state in ((VERSION, ModelState.ACTIVE), ("2.0.0", ModelState.REGISTERED)):
            version = ModelVersion(
                name=WATCHED, version=number, sha256=hashlib.sha256(number.encode()).hexdigest(),
                weights_sha256="3" * 64, pipeline="watched", bundle_sha256=bundle.bundle_sha256, thresholds={},
                facts={"eval_metrics": {"accuracy": {"value": 0.73, "low": 0.69, "high": 0.78}}}, card="# Its card",
            )  # fmt: skip
            session.add(version)
            session.flush()
            models.add_event(session, version.id, state, "system", "for the journey")
    study = volumes_study(system.store, "W-4001", SEGMENTATION)
    with unit_of_work(system.store.database, writing=False) as session:
        slot_id = session.get_one(Result, study.results["segmentation"]).slot_id
    weeks = Weeks(system.store, study.study_id, slot_id, WATCHED)
    usual, dark = [at / 60 for at in range(60)], [at / 300 for at in range(60)]
    for back in range(14, 2, -1):
        weeks.add(back, usual)
    for back in (2, 1):
        weeks.add(back, dark)
    return WATCHED


def test_a_model_that_is_given_darker_images_says_so_with_its_figures_as_a_table(room: Room, watched: str) -> None:
    page = room.page
    room.go(f"/models/{watched}")
    expect(page.get_by_role("status").filter(has_text="Drifting: Image quality")).to_be_visible()
    index = page.get_by_role("figure", name="Population stability index")
    expect(index.locator("canvas")).to_be_visible()
    page.get_by_role("heading", name="Drift of what").evaluate("heading => heading.scrollIntoView()")
    room.keep("model")
    summary = index.get_by_text("The figures as a table")
    summary.focus()
    room.press("Enter")
    weeks = index.get_by_role("table", name="Population stability index").get_by_role("row")
    expect(weeks).to_have_count(27)
    expect(page.get_by_role("row", name="Accuracy, five grades")).to_contain_text("0.73 (0.69–0.78)")


def test_a_decision_about_a_version_is_made_with_a_reason_that_stays(room: Room, watched: str) -> None:
    page = room.page
    room.go(f"/models/{watched}")
    version = page.get_by_role("table", name="Versions").get_by_role("row").filter(has_text="2.0.0")
    version.get_by_role("button", name="Read silently").focus()
    room.press("Enter")
    dialog = page.get_by_role("dialog", name="Let 2.0.0 read silently?")
    decide = dialog.get_by_role("button", name="Read silently")
    expect(decide).to_be_disabled()
    page.keyboard.type("A darker camera came")
    room.press("Tab", "Tab", "Enter")
    expect(dialog).to_have_count(0)
    expect(version).to_contain_text("Shadow")
    history = page.get_by_role("listitem").filter(has_text="A darker camera came")
    expect(history).to_contain_text("Shadow")
