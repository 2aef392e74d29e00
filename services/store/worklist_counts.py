"""How many rows of the worklist pass a reader's filters, counted no further than a reader wants to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.store.states import ReviewState
from services.store.tables import WorklistRow
from services.store.worklist_pages import WorklistFilters, page_query


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows up to the limit; `capped` says that there are more, and that the parts are of the first rows alone."""

    total: int = 0
    capped: bool = False
    review_states: Mapping[str, int] = field(default_factory=dict)
    urgencies: Mapping[str, int] = field(default_factory=dict)
    job_states: Mapping[str, int] = field(default_factory=dict)


def count_rows(session: Session, site_ids: Sequence[str], filters: WorklistFilters, most: int) -> Counts:
    """Count the first `most` rows in the list's order, in all and by state; as dear as a page of so many rows."""
    query = page_query(session, site_ids, filters, None, most + 1)
    if query is None:
        return Counts()
    states = (WorklistRow.review_state, WorklistRow.urgency, WorklistRow.job_state)
    first = query.with_only_columns(*states).subquery()
    grouped = select(*first.c, func.count()).group_by(*first.c)
    tallies: tuple[Counter[str], ...] = (Counter(), Counter(), Counter())
    total = 0
    for *values, number in session.execute(grouped):
        total += number
        for tally, value in zip(tallies, values, strict=True):
            if value is not None:
                tally[value] += number
    return Counts(min(total, most), total > most, *tallies)


def settled_or_not(counts: Counts) -> Counts:
    """The counts without what machines and readers said of the rows: those that are open count as unread."""
    signed = counts.review_states.get(ReviewState.SIGNED, 0)
    states = {ReviewState.SIGNED: signed, ReviewState.UNREAD: sum(counts.review_states.values()) - signed}
    told = {state.value: number for state, number in states.items() if number}
    return replace(counts, review_states=told, urgencies={})


def count_total(session: Session, site_ids: Sequence[str], filters: WorklistFilters, most: int) -> tuple[int, bool]:
    """How many rows pass, at most `most`, and whether there are more."""
    query = page_query(session, site_ids, filters, None, most + 1)
    if query is None:
        return 0, False
    counted = select(func.count()).select_from(query.with_only_columns(WorklistRow.id).subquery())
    total = session.execute(counted).scalar_one()
    return min(total, most), total > most
