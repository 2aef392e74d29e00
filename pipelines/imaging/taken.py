"""When a photograph was taken: as its sender states it, or as its camera's clock says, and whether that can be."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

from pipelines.core.errors import BadAcquired

#: A day, or a moment; a moment without a zone is that of the place where the photograph was taken.
Taken: TypeAlias = date | datetime

#: ISO 8601: a day, or a day and a time to the minute at least, with or without its distance from UTC.
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")
DAY_CHARACTERS: Final = len("2026-01-31")
#: Exif 2.32, table 4: DateTimeOriginal; blanks, or zeros, where the camera does not know.
_EXIF: Final = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")
_EXIF_FORMAT: Final = "%Y:%m:%d %H:%M:%S"
_EXIF_UNKNOWN: Final = re.compile(r"[ :0\x00]*")
#: Digital fundus photographs are younger.
EARLIEST: Final = date(1980, 1, 1)
#: The first day of the clocks that cameras are shipped with: one that was never set says it.
_CLOCK_STARTS: Final = frozenset({date(1980, 1, 1), date(2000, 1, 1)})
#: Today has begun there already: the farthest zone is fourteen hours before UTC.
_AHEAD: Final = timedelta(hours=14)


def read_taken(text: str, now: datetime) -> Taken:
    """A sender's ISO 8601 day or moment; raises BadAcquired where it is none, or cannot be at `now` (aware)."""
    taken = _iso(text.strip())
    if taken is None:
        raise BadAcquired("state when the photographs were taken as 2026-01-31 or 2026-01-31T14:30")
    if not is_plausible(taken, now):
        raise BadAcquired("photographs were taken neither before 1980 nor in the future")
    return taken


def read_clock(text: str, now: datetime) -> datetime | None:
    """A camera's own time, the text of EXIF's DateTimeOriginal; None where it says that it does not know.

    Raises BadAcquired where it is no time, cannot be at `now` (aware), or is what a clock says that nobody has set.
    """
    if _EXIF_UNKNOWN.fullmatch(text):
        return None
    try:
        taken = datetime.strptime(text, _EXIF_FORMAT) if _EXIF.fullmatch(text) else None
    except ValueError:
        taken = None
    if taken is None or not is_plausible(taken, now) or taken.date() in _CLOCK_STARTS:
        raise BadAcquired("the camera's own date cannot be and was ignored", code="camera_date_ignored")
    return taken


def is_plausible(taken: Taken, now: datetime) -> bool:
    """Whether photographs can have been taken then: not before there were cameras for it, and not after `now`."""
    if day_of(taken) < EARLIEST:
        return False
    if isinstance(taken, datetime) and taken.tzinfo is not None:
        return taken <= now
    latest = (now.astimezone(UTC) + _AHEAD).replace(tzinfo=None)
    return taken <= latest if isinstance(taken, datetime) else taken <= latest.date()


def day_of(taken: Taken) -> date:
    """The day, as the place has it where the photograph was taken."""
    return taken.date() if isinstance(taken, datetime) else taken


def from_text(text: str) -> Taken:
    """What `isoformat` made of one."""
    return date.fromisoformat(text) if len(text) == DAY_CHARACTERS else datetime.fromisoformat(text)


def _iso(text: str) -> Taken | None:
    if not _ISO.fullmatch(text):
        return None
    try:
        return from_text(text)
    except ValueError:
        return None
