"""Local nights: over midnight, through the changes of the clocks, with a budget; and when a batch will be done."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines.core.errors import BadRequest
from services.work.forecast import Forecast, Pace, forecast
from services.work.window import Always, Budget, Spent, read_budget, read_window

BERLIN = {"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_a_night_over_midnight_is_named_by_the_day_on_which_it_opens() -> None:
    nights = read_window(BERLIN)
    late, early = nights.now(utc(2026, 1, 10, 21, 0)), nights.now(utc(2026, 1, 11, 4, 59, 59))
    assert late == early
    assert late is not None
    assert (late.day, late.opens, late.closes) == (date(2026, 1, 10), utc(2026, 1, 10, 21), utc(2026, 1, 11, 5))


def test_by_day_the_next_night_is_known() -> None:
    nights = read_window(BERLIN)
    noon = utc(2026, 1, 10, 12)
    assert nights.now(noon) is None
    assert nights.after(noon).opens == utc(2026, 1, 10, 21)
    assert nights.after(utc(2026, 1, 10, 23)).opens == utc(2026, 1, 11, 21)


def test_a_window_closes_on_the_second_it_says() -> None:
    nights = read_window(BERLIN)
    assert nights.now(utc(2026, 1, 11, 5)) is None
    assert nights.now(utc(2026, 1, 10, 20, 59, 59)) is None


@pytest.mark.parametrize(
    ("opens", "hours"),
    [(utc(2026, 3, 28, 21), 7), (utc(2026, 10, 24, 20), 9), (utc(2026, 7, 1, 20), 8)],
    ids=["clocks go forward", "clocks go back", "any other night"],
)
def test_a_night_is_as_long_as_the_clock_on_the_wall_makes_it(opens: datetime, hours: int) -> None:
    night = read_window(BERLIN).now(opens)
    assert night is not None
    assert night.opens == opens
    assert night.closes - night.opens == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "hours"), [(utc(2026, 3, 29, 12), 22), (utc(2026, 10, 25, 12), 24)], ids=["a 23 h day", "a 25 h day"]
)
def test_a_window_of_nearly_a_day_follows_the_length_of_the_day(day: datetime, hours: int) -> None:
    night = read_window({"from": "00:00", "to": "23:00", "zone": "Europe/Berlin"}).now(day)
    assert night is not None
    assert night.closes - night.opens == timedelta(hours=hours)


def test_a_time_that_the_clocks_skip_is_the_moment_it_would_have_been() -> None:
    night = read_window({"from": "02:30", "to": "05:00", "zone": "Europe/Berlin"}).now(utc(2026, 3, 29, 1, 45))
    assert night is not None
    assert (night.opens, night.closes) == (utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 3))


def test_a_time_that_comes_twice_is_the_first_one() -> None:
    nights = read_window({"from": "01:00", "to": "02:30", "zone": "Europe/Berlin"})
    night = nights.now(utc(2026, 10, 24, 23, 30))
    assert night is not None
    assert night.closes == utc(2026, 10, 25, 0, 30)
    assert nights.now(utc(2026, 10, 25, 1, 15)) is None


def test_without_a_window_every_moment_is_in_its_day() -> None:
    assert read_window(None) == read_window({}) == Always()
    night = Always().now(utc(2026, 1, 10, 23, 59))
    assert night is not None
    assert (night.day, Always().after(night.opens).opens) == (date(2026, 1, 10), utc(2026, 1, 11))


@pytest.mark.parametrize(
    "stated",
    [
        {"from": "22:00", "to": "22:00", "zone": "Europe/Berlin"},
        {"from": "22:00", "to": "06:00", "zone": "Europe/Nowhere"},
        {"from": "22:00", "to": "06:00", "zone": "../etc/passwd"},
        {"from": "25:00", "to": "06:00", "zone": "UTC"},
        {"from": "22:00+01:00", "to": "06:00", "zone": "UTC"},
        {"from": "22:00", "zone": "UTC"},
    ],
)
def test_a_window_that_cannot_be_is_refused(stated: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as refused:
        read_window(stated)
    assert refused.value.code == "bad_window"


def test_a_window_is_written_as_it_is_read() -> None:
    assert read_window(BERLIN).as_json() == BERLIN
    assert read_window(read_window(BERLIN).as_json()) == read_window(BERLIN)


def test_a_budget_counts_studies_and_hours_of_reading() -> None:
    budget = Budget(studies=100, hours=1.0)
    assert budget.left(Spent(40, 100.0)) == 60
    assert budget.left(Spent(40, 3600.0)) == 0
    assert budget.left(Spent(120, 0.0)) == 0
    assert Budget().left(Spent(10**6, 10.0**6)) is None


@pytest.mark.parametrize("stated", [{"studies": 0}, {"hours": 0.0}, {"hours": -1.0}])
def test_a_budget_of_nothing_is_refused(stated: dict[str, float]) -> None:
    with pytest.raises(BadRequest):
        read_budget(stated)


NOON = utc(2026, 1, 10, 12)


def test_what_fits_into_tonight_is_done_tonight() -> None:
    found = forecast(NOON, 3600, Pace(1.0), read_window(BERLIN), Budget(), Spent())
    assert found == Forecast(utc(2026, 1, 10, 22), 1)


def test_what_does_not_fit_goes_on_the_next_night() -> None:
    found = forecast(NOON, 8 * 3600 + 60, Pace(1.0), read_window(BERLIN), Budget(), Spent())
    assert found == Forecast(utc(2026, 1, 11, 21, 1), 2)


def test_a_budget_stretches_a_batch_over_nights() -> None:
    found = forecast(NOON, 250, Pace(1.0), read_window(BERLIN), Budget(studies=100), Spent())
    assert found == Forecast(utc(2026, 1, 12, 21, 0, 50), 3)


def test_what_tonight_has_cost_already_is_not_spent_again() -> None:
    now = utc(2026, 1, 10, 23)
    found = forecast(now, 100, Pace(1.0), read_window(BERLIN), Budget(studies=100), Spent(studies=40))
    assert found == Forecast(utc(2026, 1, 11, 21, 0, 40), 2)


def test_two_workers_take_half_the_time_and_the_same_hours_of_reading() -> None:
    found = forecast(NOON, 7200, Pace(1.0, workers=2), read_window(BERLIN), Budget(hours=1.0), Spent())
    assert found == Forecast(utc(2026, 1, 11, 21, 30), 2)


def test_what_no_ten_years_would_do_is_not_foretold() -> None:
    found = forecast(NOON, 10**9, Pace(1.0), read_window(BERLIN), Budget(studies=1), Spent())
    assert found == Forecast(None, None)


def test_nothing_left_is_done_now() -> None:
    assert forecast(NOON, 0, Pace(1.0), Always(), Budget(), Spent()) == Forecast(NOON, 0)
