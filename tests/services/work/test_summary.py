"""The summary of a night: what it counts, how it says so to spreadsheets and on paper."""

from __future__ import annotations

import csv
import io

import pytest

from pipelines.core.errors import NotFound, UnsuitableInput
from services.store import attempts, batches, reviews
from services.store.reviews import NewReview
from services.store.session import unit_of_work
from services.store.states import BatchItemState, ReviewAction, Verdict
from services.store.stores import Store
from services.store.tables import Result
from services.work import summary as work
from services.work.summary import keep_summary, summary_of
from services.work.summary_page import as_pdf
from services.work.summary_table import as_csv
from tests.services.conftest import Desk
from tests.services.overnight import Night, answer, grade, live
from tests.services.store.world import reader


@pytest.fixture
def night(desk: Desk) -> Night:
    """A batch that has begun."""
    night = Night(desk)
    night.begin()
    return night


def reread(desk: Desk, night: Night, study: str, old: int | None, new: int | None) -> tuple[str, str]:
    """A study that was read live, then by the batch; its two results."""
    first = live(desk, study, grade(old))
    return first, answer(desk, night.item(study), grade(new))


def sign(store: Store, study: str, result_id: str, verdict: Verdict) -> None:
    """A reader signs the study's old answer."""
    with unit_of_work(store.database) as session:
        word = NewReview(result_id, reader(session, f"reader of {study}"), ReviewAction.SIGN, verdict)
        slot_id = session.get_one(Result, result_id).slot_id
        reviews.add(session, slot_id, word)


def test_a_summary_counts_what_the_night_did(desk: Desk, night: Night, each_store: Store) -> None:
    for study, old, new in (("a", 0, 0), ("b", 1, 2), ("c", 3, 0), ("d", 2, 3), ("e", 1, None)):
        reread(desk, night, study, old, new)
    answer(desk, night.item("f"), grade(0))
    night.item("g")
    claim = desk.claim()
    assert claim is not None
    with unit_of_work(each_store.database) as session:
        attempts.fail(session, claim, UnsuitableInput("no", code="no_retina"))
    found = summary_of(each_store, night.id)
    assert found["items"] == {"total": 7, "waiting": 0, "queued": 0, "done": 6, "failed": 1, "skipped": 0}
    assert found["kinds"] == {"none": 1, "changed": 1, "crossed": 2, "answered": 0, "unanswered": 1, "new": 1}
    assert found["crossings"] == {"up": 1, "down": 1}
    assert (found["agreement"]["count"], found["agreement"]["n"]) == (1, 5)
    assert found["failures"]["failed"] == {"no_retina": 1}
    assert found["old_versions"] == {"1.0.0": 5}
    table = found["grades"]["dr_grade"]["confusion"]
    assert [(old, new) for old in range(5) for new in range(5) if table[old][new]] == [(0, 0), (1, 2), (2, 3), (3, 0)]
    assert found["largest"][0]["headline"] == "DR grade 1 -> 2, now referable"


def test_old_and_new_answers_are_held_beside_what_readers_signed(desk: Desk, night: Night, store: Store) -> None:
    for study, old, new, verdict in (
        ("a", 1, 1, Verdict.ACCEPT),
        ("b", 1, 2, Verdict.ACCEPT),
        ("c", 1, None, Verdict.ACCEPT),
        ("d", 1, 2, Verdict.REJECT),
    ):
        first, _ = reread(desk, night, study, old, new)
        sign(store, study, first, verdict)
    said = summary_of(store, night.id)["clinicians"]
    assert (said["old"]["count"], said["old"]["n"], said["old"]["unanswered"]) == (3, 3, 0)
    assert (said["new"]["count"], said["new"]["n"], said["new"]["unanswered"]) == (1, 2, 1)


def test_all_items_are_told_page_by_page(
    desk: Desk, night: Night, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "PAGE", 2)
    for study in "abcde":
        reread(desk, night, study, 0, 1)
    assert summary_of(store, night.id)["grades"]["dr_grade"]["confusion"][0][1] == 5


def test_a_kept_summary_stays_as_it_was_until_a_fresh_one_is_asked_for(desk: Desk, night: Night, store: Store) -> None:
    keep_summary(store, night.id)
    reread(desk, night, "a", 0, 0)
    assert summary_of(store, night.id)["items"]["total"] == 0
    assert summary_of(store, night.id, fresh=True)["items"]["total"] == 1


def test_an_unknown_batch_has_no_summary(store: Store) -> None:
    with pytest.raises(NotFound):
        summary_of(store, "01JD8Q3Z5V7Y9XK2M4N6P8R0ST")


def test_the_table_names_each_figure_and_holds_no_formula(desk: Desk, night: Night, store: Store) -> None:
    reread(desk, night, "a", 1, 2)
    with unit_of_work(store.database) as session:
        batches.lock_batch(session, night.id).name = '=HYPERLINK("x")'
    rows = list(csv.reader(io.StringIO(as_csv(summary_of(store, night.id)))))
    assert rows[0] == ["section", "name", "row", "column", "value"]
    assert ["batch", "name", "", "", '\'=HYPERLINK("x")'] in rows
    assert ["confusion", "dr_grade", "1", "2", "1"] in rows
    assert ["items", BatchItemState.DONE, "", "", "1"] in rows


def test_the_page_is_one_page_and_the_same_bytes_for_the_same_summary(desk: Desk, night: Night, store: Store) -> None:
    for number in range(15):
        reread(desk, night, f"study {number}", 1, 2)
    found = summary_of(store, night.id)
    drawn = as_pdf(found)
    assert drawn == as_pdf(found)
    assert drawn.startswith(b"%PDF-")
    assert drawn.count(b"/Type /Page\n") == 1
