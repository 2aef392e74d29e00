"""Drift: a version's weeks against its first results, and the alarm that comes with it and goes with it."""

from __future__ import annotations

import pytest

from services.settings import Settings
from services.store.alarms import open_alarms
from services.store.session import unit_of_work
from services.store.states import JobRole
from services.store.stores import Store
from services.work import drift_watch
from services.work.drift import drift_of
from tests.services.conftest import Desk
from tests.services.counted import MODEL, VERSION, Weeks

USUAL = [at / 100 for at in range(100)]
DARK = [at / 500 for at in range(100)]


@pytest.fixture
def weeks(each_store: Store, desk: Desk) -> Weeks:
    """A version whose reference lies ten weeks back."""
    made = Weeks.at(desk)
    made.add(10, USUAL * 10)
    return made


def alarms(store: Store, settings: Settings) -> dict[str, str]:
    """The open alarms once the scheduler has looked."""
    drift_watch.watch(store, settings)
    with unit_of_work(store.database, writing=False) as session:
        return {alarm.code: alarm.detail for alarm in open_alarms(session)}


def test_a_week_like_the_first_results_has_not_drifted_and_a_darker_one_has(weeks: Weeks, each_store: Store) -> None:
    weeks.add(2, USUAL)
    weeks.add(1, DARK)
    drift = drift_of(each_store, MODEL, VERSION, 3)
    indexes = [week.measures["quality"] for week in drift.weeks]
    assert (drift.reference, [week.n for week in drift.weeks]) == (1000, [100, 100, 0])
    assert indexes[0].index == pytest.approx(0, abs=0.01)
    assert [index.beyond(0.25) for index in indexes] == [False, True, False]
    assert drift.weeks[1].means["quality"] == pytest.approx(sum(DARK) / 100)


def test_the_answer_is_watched_too_and_an_unseen_class_is_a_bin_of_its_own(weeks: Weeks, each_store: Store) -> None:
    weeks.add(1, USUAL[:30], category="4")
    weeks.add(1, USUAL[30:], category=None, abstained=True)
    drift = drift_of(each_store, MODEL, VERSION, 2)
    (category,) = (one for one in drift.measures if one.name == "category")
    assert (category.bins, category.reference) == (("1", "4", "none"), (1000, 0, 0))
    assert drift.weeks[0].measures["category"].counts == (0, 30, 70)
    assert drift.weeks[0].abstained.count == 70


def test_what_batches_read_is_another_population(weeks: Weeks, each_store: Store) -> None:
    weeks.add(1, DARK, role=JobRole.BATCH)
    assert [week.n for week in drift_of(each_store, MODEL, VERSION, 2).weeks] == [0, 0]


def test_a_small_week_is_not_beyond_where_chance_alone_would_put_it(weeks: Weeks, each_store: Store) -> None:
    skewed = (12, 10, 8, 8, 6, 5, 4, 3, 2, 2)
    weeks.add(1, [tenth / 10 + 0.05 for tenth, count in enumerate(skewed) for _ in range(count)])
    index = drift_of(each_store, MODEL, VERSION, 2).weeks[0].measures["quality"]
    assert index.index is not None
    assert index.index > 0.25
    assert not index.beyond(0.25)


def test_too_few_results_have_no_index(weeks: Weeks, each_store: Store) -> None:
    weeks.add(1, DARK[:49])
    assert drift_of(each_store, MODEL, VERSION, 2).weeks[0].measures["quality"].index is None


def test_two_weeks_in_a_row_raise_the_alarm_and_a_usual_one_ends_it(
    weeks: Weeks, each_store: Store, settings: Settings
) -> None:
    weeks.add(2, DARK)
    assert alarms(each_store, settings) == {}
    weeks.add(1, DARK)
    assert alarms(each_store, settings) == {"drift": f"{MODEL} {VERSION}: image quality"}
    weeks.add(1, USUAL * 9)
    assert alarms(each_store, settings) == {}


def test_the_week_that_has_begun_raises_no_alarm(weeks: Weeks, each_store: Store, settings: Settings) -> None:
    weeks.add(1, DARK)
    weeks.add(0, DARK)
    assert alarms(each_store, settings) == {}
