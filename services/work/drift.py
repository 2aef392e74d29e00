"""What a model is given and what it says, a week at a time, against its first results (decision 0130)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.agreement import Share
from pipelines.core.drift import binned, chance_index, edges_of, stability_index
from pipelines.core.errors import UnknownModel
from services.store import models
from services.store.clock import utcnow
from services.store.figures import NUMBERS, Figures, bins_by_day, categories_by_day, figures_by_day, first_figures
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import ModelVersion
from services.work.weeks import newest_weeks, week_of

#: The first results of a version on new studies are what its later weeks are held against.
REFERENCE: Final = 1000
#: Fewer than these, on either side, and chance moves the index further than any drift would.
LEAST_REFERENCE: Final = 100
LEAST_WEEK: Final = 50
#: The answer itself, where it is a class; the others are numbers.
CATEGORY: Final = "category"
#: How a class is called where the model gave no answer.
NO_ANSWER: Final = "none"


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is watched: its bins and how the reference fills them."""

    name: str
    bins: tuple[str, ...]
    reference: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WeekIndex:
    """How a week fills a measure's bins; the index and what chance makes of it are None where there are too few."""

    counts: tuple[int, ...]
    index: float | None
    chance: float | None

    def beyond(self, limit: float) -> bool:
        """Whether it lies further away than the limit, and than chance would put it once in a thousand times."""
        return self.index is not None and self.chance is not None and self.index > max(limit, self.chance)


@dataclass(frozen=True, slots=True)
class Week:
    """A week's results: counts, means and each measure by name; `complete` where the week is over."""

    monday: date
    complete: bool
    n: int
    abstained: Share
    ungradable: Share
    unreliable: Share
    means: Mapping[str, float | None]
    measures: Mapping[str, WeekIndex]


@dataclass(frozen=True, slots=True)
class Drift:
    """A version's weeks, oldest first, and the reference that they are held against."""

    model: str
    version: str
    pipeline: str
    label: str | None
    reference: int
    since: date | None
    until: date | None
    measures: tuple[Measure, ...]
    weeks: tuple[Week, ...]

    def beyond(self, limit: float, weeks: int) -> tuple[str, ...]:
        """The measures that lay beyond the limit in each of the newest complete weeks, so many of them."""
        newest = [week for week in self.weeks if week.complete][-weeks:]
        if len(newest) < weeks:
            return ()
        names = (measure.name for measure in self.measures)
        return tuple(name for name in names if all(week.measures[name].beyond(limit) for week in newest))


def drift_of(store: Store, name: str, version: str | None, weeks: int) -> Drift:
    """The newest weeks of a version, of the one in use where none is named. Raises UnknownModel."""
    with unit_of_work(store.database, writing=False) as session:
        today = session.scalars(select(utcnow())).one().date()
        return _drift(session, _version(session, name, version), newest_weeks(today, weeks))


def _version(session: Session, name: str, version: str | None) -> ModelVersion:
    if version is not None:
        return models.find_version(session, name, version)
    found = models.active_version(session, name)
    if found is None:
        raise UnknownModel("no version of this model is in use: name one")
    return found


def _drift(session: Session, version: ModelVersion, mondays: Sequence[date]) -> Drift:
    first = first_figures(session, version.name, version.version, REFERENCE)
    watched = [*_numbers(session, version, first, mondays), *_classes(session, version, first, mondays)]
    return Drift(
        model=version.name,
        version=version.version,
        pipeline=version.pipeline,
        label=next((each.label for each in first if each.label), None),
        reference=len(first),
        since=first[0].day if first else None,
        until=first[-1].day if first else None,
        measures=tuple(one.measure for one in watched),
        weeks=_weeks(session, version, watched, mondays),
    )


@dataclass(frozen=True, slots=True)
class _Watched:
    measure: Measure
    counts: Mapping[date, Counter[int]]

    def in_week(self, monday: date) -> WeekIndex:
        """How the week fills the bins."""
        counts = tuple(self.counts.get(monday, Counter())[place] for place in range(len(self.measure.bins)))
        before, now = sum(self.measure.reference), sum(counts)
        if before < LEAST_REFERENCE or now < LEAST_WEEK:
            return WeekIndex(counts, None, None)
        index = stability_index(self.measure.reference, counts)
        return WeekIndex(counts, index, chance_index(len(counts), before, now))


def _numbers(
    session: Session, version: ModelVersion, first: Sequence[Figures], mondays: Sequence[date]
) -> Iterable[_Watched]:
    """The measures that are numbers, of those that the reference has."""
    for name in NUMBERS:
        values = [value for each in first if (value := getattr(each, name)) is not None]
        edges = edges_of(values)
        if not edges:
            continue
        measure = Measure(name, _spans(edges), tuple(binned(values, edges)))
        found = bins_by_day(session, version.name, version.version, mondays[0], name, edges)
        yield _Watched(measure, _by_week(found))


def _classes(
    session: Session, version: ModelVersion, first: Sequence[Figures], mondays: Sequence[date]
) -> Iterable[_Watched]:
    """The answer, where the version gives classes: those of the reference and of the weeks, and no answer."""
    before = Counter(each.category or NO_ANSWER for each in first)
    found = categories_by_day(session, version.name, version.version, mondays[0])
    bins = tuple(sorted({*before, *(category or NO_ANSWER for _, category, _ in found)}))
    if set(before) <= {NO_ANSWER}:
        return
    measure = Measure(CATEGORY, bins, tuple(before[each] for each in bins))
    yield _Watched(measure, _by_week((day, bins.index(category or NO_ANSWER), n) for day, category, n in found))


def _by_week(found: Iterable[tuple[date, int, int]]) -> Mapping[date, Counter[int]]:
    counts: dict[date, Counter[int]] = {}
    for day, place, number in found:
        counts.setdefault(week_of(day), Counter())[place] += number
    return counts


def _spans(edges: Sequence[float]) -> tuple[str, ...]:
    """The bins in words; one that holds a single value is called by it."""
    written = [f"{edge:.3g}" for edge in edges]
    between = [low if low == high else f"{low}-{high}" for low, high in pairwise(written)]
    first = "below" if between and between[0] == written[0] else "up to"
    return (f"{first} {written[0]}", *between, f"above {written[-1]}")


def _weeks(
    session: Session, version: ModelVersion, watched: Sequence[_Watched], mondays: Sequence[date]
) -> tuple[Week, ...]:
    totals: dict[date, Counter[str]] = {monday: Counter() for monday in mondays}
    for day in figures_by_day(session, version.name, version.version, mondays[0]):
        total = totals[week_of(day.day)]
        total.update(n=day.n, abstained=day.abstained, ungradable=day.ungradable)
        total.update(explained=day.explained, unreliable=day.unreliable)
        for name, (added, number) in day.sums.items():
            total[f"{name}:sum"] += added  # type: ignore[assignment]  # a Counter adds floats as well
            total[f"{name}:n"] += number
    return tuple(_week(monday, totals[monday], watched, is_over=monday != mondays[-1]) for monday in mondays)


def _week(monday: date, total: Counter[str], watched: Sequence[_Watched], *, is_over: bool) -> Week:
    n = total["n"]
    return Week(
        monday=monday,
        complete=is_over,
        n=n,
        abstained=Share(total["abstained"], n),
        ungradable=Share(total["ungradable"], n),
        unreliable=Share(total["unreliable"], total["explained"]),
        means={name: total[f"{name}:sum"] / total[f"{name}:n"] if total[f"{name}:n"] else None for name in NUMBERS},
        measures={one.measure.name: one.in_week(monday) for one in watched},
    )
