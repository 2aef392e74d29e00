"""Lists an archive's studies in one stable order, day by day, though archives promise none for their answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Final, Protocol

from pipelines.core.errors import SourceRefused

#: No radiograph is older than Röntgen's first (1895); an open beginning costs some twenty questions more.
EARLIEST: Final = date(1895, 1, 1)
_LOCATOR: Final = re.compile(r"(\d{8})/([0-9.]{1,64})")
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")  # PS3.5 section 9
DATE_FORMAT: Final = "%Y%m%d"  # PS3.5 section 6.2, VR DA


@dataclass(frozen=True, slots=True, order=True)
class StudyFound:
    """A study that an archive has, in the order of the walk."""

    day: date
    uid: str

    @property
    def locator(self) -> str:
        """The study as a locator."""
        return f"{self.day:{DATE_FORMAT}}/{self.uid}"


class StudyIndex(Protocol):
    """What an archive can be asked."""

    def studies(self, first: date, last: date) -> Sequence[StudyFound] | None:
        """All studies of these days, both included, in any order, perhaps doubled.

        None where they are more than one question should bring; never so for a single day. Raises SourceRefused,
        SourceUnavailable.
        """


class Days:
    """A walk over an index; in memory are the studies of one question, at least those of one day."""

    def __init__(self, index: StudyIndex, first: date | None, last: date | None) -> None:
        """Without a last day the walk ends with today, which begins up to half a day earlier than in UTC."""
        self._index = index
        self._first = first or EARLIEST
        self._last = last
        self._walk: Iterator[StudyFound] = iter(())
        self._at: str | None = ""  # no locator is empty, so the first question begins a walk

    def locators(self, after: str | None, limit: int) -> Sequence[str]:
        """See base.Source."""
        if after != self._at:
            self._walk = self._behind(found_at(after) if after is not None else None)
        page = [found.locator for found in islice(self._walk, limit)]
        self._at = page[-1] if len(page) == limit else ""
        return page

    def _behind(self, after: StudyFound | None) -> Iterator[StudyFound]:
        first = self._first if after is None else max(self._first, after.day)
        last = self._last or datetime.now(UTC).date() + timedelta(days=1)
        return (found for found in self._between(first, last) if after is None or found > after)

    def _between(self, first: date, last: date) -> Iterator[StudyFound]:
        """Halve the days until each half is a short answer; what lies outside the days asked for is dropped."""
        if first > last:
            return
        found = self._index.studies(first, last)
        if found is None:
            middle = first + (last - first) // 2
            yield from self._between(first, middle)
            yield from self._between(middle + timedelta(days=1), last)
        else:
            yield from sorted({one for one in found if first <= one.day <= last})


def study_found(day: str, uid: str) -> StudyFound | None:
    """A study as an archive names it; None where its date or UID is none."""
    try:
        parsed = datetime.strptime(day.strip(), DATE_FORMAT).date()
    except ValueError:
        return None
    uid = uid.strip("\0 ")
    return StudyFound(parsed, uid) if len(uid) <= 64 and _UID.fullmatch(uid) else None


def found_at(locator: str) -> StudyFound:
    """The study that a locator names; raises SourceRefused where it names none."""
    parts = _LOCATOR.fullmatch(locator)
    found = study_found(parts[1], parts[2]) if parts else None
    if found is None:
        raise SourceRefused("this names no study", code="source_gone")
    return found
