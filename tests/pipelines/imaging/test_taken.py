"""When a photograph was taken: what a sender may state, what a camera's clock may say, and what cannot be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from pipelines.core.errors import BadAcquired
from pipelines.imaging.taken import Taken, from_text, read_clock, read_taken

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
TWO_HOURS_EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        (" 1980-01-01 ", date(1980, 1, 1)),
        ("2024-02-29T10:11", datetime(2024, 2, 29, 10, 11)),
        ("2024-02-29 10:11:12.5", datetime(2024, 2, 29, 10, 11, 12, 500_000)),
        ("2024-02-29T10:11:12Z", datetime(2024, 2, 29, 10, 11, 12, tzinfo=UTC)),
        ("2024-02-29T10:11+02:00", datetime(2024, 2, 29, 10, 11, tzinfo=TWO_HOURS_EAST)),
        ("2026-03-05T01:00", datetime(2026, 3, 5, 1)),
    ],
)
def test_a_sender_states_a_day_or_a_moment(text: str, taken: Taken) -> None:
    assert read_taken(text, NOW) == taken
    assert from_text(taken.isoformat()) == taken


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "20240229", "2024-2-29", "2024-02-30", "2024-W09-4", "2024-02-29T25:00", "2024-02-29T10"),
        *("1979-12-31", "2026-03-06", "2026-03-05T03:00", "2026-03-04T12:01Z", "2026-03-04T14:01+02:00", "0001-01-01"),
    ],
)
def test_what_is_no_moment_or_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(BadAcquired) as refused:
        read_taken(text, NOW)
    assert refused.value.code == "bad_acquired"


def test_a_cameras_clock_is_read_as_exif_writes_it() -> None:
    assert read_clock("2024:02:29 10:11:12", NOW) == datetime(2024, 2, 29, 10, 11, 12)


@pytest.mark.parametrize("text", ["", "    :  :     :  :  ", "0000:00:00 00:00:00"])
def test_a_camera_may_say_that_it_does_not_know(text: str) -> None:
    assert read_clock(text, NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        *("1979:12:31 23:59:59", "1980:01:01 00:03:00", "2000:01:01 08:00:00", "2999:01:01 00:00:00"),
        *("2024:13:41 00:00:00", "2024-02-29 10:11:12", "soon", "\x00\x01"),
    ],
)
def test_a_clock_that_cannot_be_or_was_never_set_is_ignored_by_name(text: str) -> None:
    with pytest.raises(BadAcquired) as refused:
        read_clock(text, NOW)
    assert refused.value.code == "camera_date_ignored"
