"""Ids: their order is that of time, and they tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.store.ids import ULID_LENGTH, first_id_at, moment_of, new_id

NOON = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC)
    made = moment_of(new_id())
    assert before - timedelta(milliseconds=1) < made <= datetime.now(UTC)  # an id tells whole milliseconds


def test_the_first_id_of_a_moment_sorts_before_what_is_made_then_and_behind_what_was() -> None:
    before = new_id()
    assert first_id_at(moment_of(before)) <= before < first_id_at(moment_of(before) + timedelta(milliseconds=1))


def test_the_first_id_of_a_moment_tells_that_moment() -> None:
    assert moment_of(first_id_at(NOON)) == NOON
    assert len(first_id_at(NOON)) == ULID_LENGTH
