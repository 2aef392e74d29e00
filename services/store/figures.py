"""What is counted of each result, so that a model is watched over time without opening documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import merge
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.store.reading import MEASURED, chief_of, confidence_of
from services.store.states import JobRole
from services.store.tables import Result, ResultFigures
from services.store.upsert import insert_missing

#: What reads each new study once: batches read archives, which are another population.
FRESH: Final = (JobRole.LIVE, JobRole.SHADOW)
#: Of a label whose value is a class: the finding whose number tells how strongly.
SCORES: Final[Mapping[str, str]] = {"dr_grade": "referable_dr"}
#: A column of Word is so long.
WORD_CHARACTERS: Final = 64


def count(session: Session, rows: Sequence[Result]) -> None:
    """Count results that were flushed before, in the transaction that stores them."""
    keep(session, [figures_of(row) for row in rows])


def keep(session: Session, counted: Sequence[Mapping[str, Any]]) -> None:
    """Write figures down; those of a result that is counted already stay. Any: values of the columns' types."""
    insert_missing(session, ResultFigures, counted, conflict=("result_id",))


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Figures of results that were not counted, of one page; `last` is where the next one begins, None at the end."""

    figures: Sequence[Mapping[str, Any]]  # Any: values of the columns' types
    last: str | None


def uncounted(session: Session, after: str, limit: int) -> Uncounted:
    """The figures that are missing of the next `limit` results behind `after`."""
    page = select(Result.id).where(Result.id > after).order_by(Result.id).limit(limit).subquery()
    ids = session.execute(
        select(page.c.id, ResultFigures.result_id)
        .outerjoin(ResultFigures, ResultFigures.result_id == page.c.id)
        .order_by(page.c.id)
    ).all()
    missing = [result_id for result_id, counted in ids if counted is None]
    rows = session.scalars(select(Result).where(Result.id.in_(missing)).order_by(Result.id)) if missing else ()
    return Uncounted([figures_of(row) for row in rows], ids[-1][0] if len(ids) == limit else None)


def figures_of(row: Result) -> dict[str, Any]:
    """The values of a result's row of figures. Any: values of the columns' types."""
    document: Mapping[str, Any] = row.document
    finding = chief_of(document)
    label = finding["label"] if finding else None
    said = finding["value"] if finding else None
    quality = document.get("quality") or {}
    explanation = document.get("explanation") or {}
    return {
        "result_id": row.id,
        "model_name": row.model_name,
        "model_version": row.model_version,
        "role": row.role,
        "day": row.created_at.date(),
        "label": label,
        "category": _category(label, said) if not row.abstained else None,
        "value": _value(document, label, said),
        "confidence": confidence_of(document),
        "quality": quality.get("score"),
        "gradable": bool(quality.get("gradable", True)),
        "abstained": row.abstained,
        "reliable": explanation.get("reliable"),
    }


def _category(label: str | None, said: object) -> str | None:
    """The class of a finding that has one: a word, or a grade of a label whose strength is told elsewhere."""
    if isinstance(said, str):
        return said[:WORD_CHARACTERS]
    return str(said) if label in SCORES and isinstance(said, int) else None


def _value(document: Mapping[str, Any], label: str | None, said: object) -> float | None:
    """The number that is watched: the score of a grade, the mean of both sides of a volume, else the finding's own."""
    findings = document.get("findings") or []
    if label is not None and label in SCORES:
        score = next((one for one in findings if one["label"] == SCORES[label] and one.get("laterality") is None), None)
        said = score["value"] if score else None
    sides = [one["value"] for one in findings if one["label"] in MEASURED and one["value"] is not None]
    if sides:
        return float(sum(sides) / len(sides))
    return float(said) if isinstance(said, int | float) else None


@dataclass(frozen=True, slots=True)
class Figures:
    """One result as it is counted; `value` in the unit of its label, confidence and quality 0-1."""

    day: date
    label: str | None
    category: str | None
    value: float | None
    confidence: float | None
    quality: float | None


def first_figures(session: Session, name: str, version: str, limit: int) -> list[Figures]:
    """The first results that a version gave on new studies, oldest first."""
    pages = [session.scalars(_first(name, version, role, limit)).all() for role in FRESH]
    rows = islice(merge(*pages, key=lambda row: (row.day, row.result_id)), limit)
    return [Figures(row.day, row.label, row.category, row.value, row.confidence, row.quality) for row in rows]


def _first(name: str, version: str, role: JobRole, limit: int) -> Select[ResultFigures]:
    kept = ResultFigures
    own = select(kept).where(kept.model_name == name, kept.model_version == version, kept.role == role)
    return own.order_by(kept.day, kept.result_id).limit(limit)


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What one day's results come to: counts, and the sums and numbers of values whose means are asked for."""

    day: date
    n: int
    abstained: int
    ungradable: int
    explained: int
    unreliable: int
    sums: Mapping[str, tuple[float, int]]


#: The numbers that are watched, and their columns.
NUMBERS: Final[Mapping[str, InstrumentedAttribute[float | None]]] = {
    "value": ResultFigures.value,
    "confidence": ResultFigures.confidence,
    "quality": ResultFigures.quality,
}


def figures_by_day(session: Session, name: str, version: str, since: date) -> Iterator[DayFigures]:
    """Counts of a version's results on new studies, a day at a time, oldest first."""
    kept = ResultFigures
    sums = [part for column in NUMBERS.values() for part in (func.sum(column), func.count(column))]
    query = select(
        kept.day,
        func.count(),
        _how_many(kept.abstained.is_(True)),
        _how_many(kept.gradable.is_(False)),
        func.count(kept.reliable),
        _how_many(kept.reliable.is_(False)),
        *sums,
    )
    for day, n, abstained, ungradable, explained, unreliable, *parts in session.execute(
        query.where(_fresh(name, version, since)).group_by(kept.day).order_by(kept.day)
    ):
        added = {which: (parts[2 * at] or 0.0, parts[2 * at + 1]) for at, which in enumerate(NUMBERS)}
        yield DayFigures(day, n, abstained, ungradable, explained, unreliable, added)


def categories_by_day(session: Session, name: str, version: str, since: date) -> list[tuple[date, str | None, int]]:
    """(day, class or None where there is none, count) of a version's results on new studies."""
    kept = ResultFigures
    query = select(kept.day, kept.category, func.count()).where(_fresh(name, version, since))
    return [(day, category, n) for day, category, n in session.execute(query.group_by(kept.day, kept.category))]


def bins_by_day(
    session: Session, name: str, version: str, since: date, number: str, edges: Sequence[float]
) -> list[tuple[date, int, int]]:
    """(day, bin, count) of one of NUMBERS; a value on an edge lies below it."""
    column = NUMBERS[number]
    place = case(*((column <= edge, at) for at, edge in enumerate(edges)), else_=len(edges)).label("place")
    placed = select(ResultFigures.day, place).where(_fresh(name, version, since), column.is_not(None)).subquery()
    query = select(placed.c.day, placed.c.place, func.count()).group_by(placed.c.day, placed.c.place)
    return [(day, at, n) for day, at, n in session.execute(query)]


def _fresh(name: str, version: str, since: date) -> ColumnElement[bool]:
    kept = ResultFigures
    return and_(kept.model_name == name, kept.model_version == version, kept.role.in_(FRESH), kept.day >= since)


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
