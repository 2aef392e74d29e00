"""Whether a study holds what it should, as far as anything says what that is: headers, the sender, numbers of images.

The sender's own count outranks all else. Where it is silent, each series is held against what its headers announce, and
stacks of slices against the run of their instance numbers; more than announced is whole as well.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.store.tables import Instance, Series, Study

#: Modalities whose series are stacks of slices, numbered as they lie: PS3.3 C.7.3.1.1.1.
STACKS: Final = frozenset({"CT", "MR", "PT"})
#: Instance numbers need not be consecutive (PS3.3 C.7.6.1): with less than this share of the run they say nothing.
RUN_SHARE: Final = 0.5
#: Two numbers make any step; a run begins with the third.
SHORTEST_RUN: Final = 3
SHOWN: Final = 5  # series, and ranges of numbers, that a sentence names
SENTENCE_CHARACTERS: Final = 1024


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is missing, in sentences without identifiers: of the study as a whole, and of series by their id."""

    study: str | None
    series: Mapping[str, str]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known to be missing."""
        return self.study is None


@dataclass(frozen=True, slots=True)
class _Received:
    """A series as it came: how many images, and the instance numbers of those that have one."""

    series: Series
    count: int
    numbers: Sequence[int]


def assess(session: Session, study: Study) -> Assessment:
    """What the study lacks by all that is known of it; series that the system made are not asked about."""
    received = _received(session, study.id)
    total = sum(one.count for one in received)
    if study.expected_count is not None:
        return Assessment(_short_of(total, study.expected_count), {})
    lacking = {one.series.id: sentence for one in received if (sentence := _lack(one)) is not None}
    named = [f"{one.series.modality}: {lacking[one.series.id]}" for one in received if one.series.id in lacking]
    said = [sentence for sentence in (_short_of(total, study.stated_count),) if sentence] + _first(named, "series")
    return Assessment("; ".join(said)[:SENTENCE_CHARACTERS] or None, lacking)


def mark(session: Session, study: Study, assessment: Assessment) -> None:
    """Write down what is missing of a study that the caller has locked, or that nothing is."""
    study.incomplete = assessment.study
    session.execute(update(Series).where(Series.study_id == study.id).values(incomplete=None))
    for series_id, sentence in sorted(assessment.series.items()):
        session.execute(update(Series).where(Series.id == series_id).values(incomplete=sentence[:SENTENCE_CHARACTERS]))
    session.flush()


def _received(session: Session, study_id: str) -> list[_Received]:
    series = session.scalars(
        select(Series).where(Series.study_id == study_id, Series.derived_from.is_(None)).order_by(Series.id)
    ).all()
    rows = session.execute(
        select(Instance.series_id, Instance.instance_number).where(
            Instance.series_id.in_([one.id for one in series]), Instance.conflict.is_(False)
        )
    )
    numbers: defaultdict[str, list[int | None]] = defaultdict(list)
    for series_id, number in rows:
        numbers[series_id].append(number)
    return [
        _Received(one, len(numbers[one.id]), [number for number in numbers[one.id] if number is not None])
        for one in series
    ]


def _short_of(count: int, expected: int | None) -> str | None:
    return f"{count} of {expected} images came" if expected is not None and count < expected else None


def _lack(received: _Received) -> str | None:
    """What one series lacks: by count where a header announces one, else by gaps in its numbers."""
    if received.series.expected_count is not None:
        return _short_of(received.count, received.series.expected_count)
    if received.series.modality not in STACKS:
        return None
    absent = gaps(received.numbers)
    named = _first([str(one) if one == other else f"{one}-{other}" for one, other in absent], "ranges")
    return f"images {', '.join(named)} are missing by their numbers" if named else None


def gaps(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ranges (first, last) of instance numbers that a run of them leaves out; empty where they make no run.

    Numbers that go up by two or more throughout are a run of that step. Doubled numbers are no run: several stacks
    share the series.
    """
    ordered = sorted(numbers)
    steps = [later - earlier for earlier, later in pairwise(ordered)]
    if len(ordered) < SHORTEST_RUN or 0 in steps:
        return []
    step = math.gcd(*steps)
    run = (ordered[-1] - ordered[0]) // step + 1
    if len(ordered) < run * RUN_SHARE:
        return []
    return [(earlier + step, later - step) for earlier, later in pairwise(ordered) if later - earlier > step]


def _first(named: Sequence[str], kind: str) -> list[str]:
    """The first few, and how many more there are."""
    more = len(named) - SHOWN
    return [*islice(named, SHOWN), *_more(more, kind)]


def _more(count: int, kind: str) -> Iterator[str]:
    if count > 0:
        yield f"{count} more {kind}"
