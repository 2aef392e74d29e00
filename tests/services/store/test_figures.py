"""What is counted of a result: with it, in one transaction, however it is stored; of older ones afterwards.

test_plans.py holds which index finds a model's weeks.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update

from pipelines.core import codes
from pipelines.core.types import Explanation, Finding, Laterality, Quality, Reading
from pipelines.exporters.json import reading_json
from services.store import results
from services.store.results import Finished
from services.store.session import unit_of_work
from services.store.states import JobRole
from services.store.stores import Store
from services.store.tables import Result, ResultFigures, WorklistRow
from services.work import drift_watch
from tests.services.conftest import Desk, reading
from tests.services.counted import MODEL, VERSION
from tests.services.overnight import answer


def fundus(grade: int | None = 2, referable: float | None = 0.71, **changes: object) -> Reading:
    """A graded patient whose worst photograph is poor."""
    findings = (
        Finding(codes.DIABETIC_RETINOPATHY, "dr_grade", 3, laterality=Laterality.LEFT),
        Finding(codes.DIABETIC_RETINOPATHY, "dr_grade", grade, probabilities={"0": 0.1, "2": 0.9}),
        Finding(codes.REFERABLE_RETINOPATHY, "referable_dr", referable),
    )
    explanation = Explanation("grad-cam", "last", "referable", reliable=False)
    told = {"findings": findings, "quality": Quality(False, 0.3), "explanation": explanation, **changes}
    return replace(reading(), **told)


def kept(store: Store) -> list[ResultFigures]:
    """All that is counted."""
    with unit_of_work(store.database, writing=False) as session:
        return session.query(ResultFigures).order_by(ResultFigures.result_id).all()


def test_a_result_is_counted_with_its_grade_its_score_and_the_worst_photograph(each_store: Store, desk: Desk) -> None:
    result_id = answer(desk, desk.queue(), fundus())
    (row,) = kept(each_store)
    with unit_of_work(each_store.database, writing=False) as session:
        day = session.get_one(Result, result_id).created_at.date()
    assert (row.result_id, row.model_name, row.model_version, row.role) == (result_id, MODEL, VERSION, JobRole.LIVE)
    assert (row.day, row.label, row.category, row.value) == (day, "dr_grade", "2", 0.71)
    assert (row.confidence, row.quality, row.gradable, row.reliable) == (0.9, 0.3, False, False)


def test_a_chunk_is_counted_as_single_results_are(each_store: Store, desk: Desk) -> None:
    claims = [claim for _ in range(2) if desk.queue(role=JobRole.BATCH) and (claim := desk.claim())]
    said = fundus()
    with unit_of_work(each_store.database) as session:
        finished = [Finished(claim, said, reading_json(said), [], None) for claim in claims]
        results.save_results(session, each_store.blobs, finished)
    assert [(row.role, row.category) for row in kept(each_store)] == [(JobRole.BATCH, "2")] * 2


def test_a_model_that_abstains_is_counted_without_a_class(store: Store, desk: Desk) -> None:
    answer(desk, desk.queue(), fundus(abstained=True, abstain_reason="low_confidence"))
    (row,) = kept(store)
    assert (row.abstained, row.category, row.value) == (True, None, 0.71)


def volumes(*sides: float | None) -> Reading:
    """Hippocampi of so many ml."""
    findings = tuple(
        Finding(codes.HIPPOCAMPUS, "hippocampus", side, "ml", laterality=Laterality.LEFT) for side in sides
    )
    return replace(reading(), pipeline="segmentation", findings=findings)


@pytest.mark.parametrize(("sides", "value"), [((3.0, 4.0), 3.5), ((3.0, None), 3.0), ((None, None), None)])
def test_volumes_are_counted_as_the_mean_of_the_sides(
    store: Store, desk: Desk, sides: tuple[float | None, ...], value: float | None
) -> None:
    answer(desk, desk.queue(), volumes(*sides))
    (row,) = kept(store)
    assert (row.label, row.category, row.value) == ("hippocampus", None, value)


def test_results_of_before_are_counted_page_by_page_and_once_and_their_lines_say_what_cannot_be_graded(
    each_store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for study in ("one", "two", "three"):
        answer(desk, desk.queue(study=study), fundus())
    before = [row.result_id for row in kept(each_store)]
    with unit_of_work(each_store.database) as session:
        session.execute(delete(ResultFigures).where(ResultFigures.result_id != before[1]))
        session.execute(update(WorklistRow).values(gradable=True))
    counter = drift_watch.Counter(each_store)
    monkeypatch.setattr(drift_watch, "PAGE", 2)
    pages = 0
    while counter.after is not None:
        counter.round()
        pages += 1
    assert ([row.result_id for row in kept(each_store)], pages) == (before, 2)
    with unit_of_work(each_store.database, writing=False) as session:
        ungradable = set(session.scalars(select(WorklistRow.result_id).where(~WorklistRow.gradable)))
    assert ungradable == {before[0], before[2]}
