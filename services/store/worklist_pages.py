"""Pages of the worklist: what passes a reader's filters, in the list's order, each page at the same cost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.store.age import AGE_SHELVED, AGE_SIGNED
from services.store.clock import UtcDateTime
from services.store.reviews import standing_of_reader
from services.store.tables import WorklistRow
from services.store.worklist import RANK_SHELVED, RANK_SIGNED

ORDER: Final = (WorklistRow.urgency_rank, WorklistRow.study_created_at, WorklistRow.id)
#: Of who reads blind first.
AGE_ORDER: Final = (WorklistRow.age_rank, WorklistRow.study_created_at, WorklistRow.id)


@dataclass(frozen=True, slots=True)
class WorklistFilters:
    """What a reader asks the list for; None lets everything pass. Days are the study's own, both ends included.

    What batches alone read and nobody needs to see is left out, but found by its id.
    """

    study_state: str | None = None
    open: bool = False  # what no signature has settled
    job_state: str | None = None
    modality: str | None = None
    pipeline: str | None = None
    urgency: str | None = None
    abstained: bool | None = None
    gradable: bool | None = None
    disagreements: Collection[str] | None = None
    review_state: str | None = None
    assignee_id: str | None = None
    unassigned: bool = False
    first_day: date | None = None
    last_day: date | None = None
    study_ids: Collection[str] | None = None
    changes: Collection[str] | None = None
    not_signed_by: str | None = None  # a user's id: what waits for another reader than this one is left out
    by_age: bool = False  # in an order, and with a choice of rows, that say nothing of the machine

    @property
    def order(self) -> tuple[InstrumentedAttribute[int], InstrumentedAttribute[datetime], InstrumentedAttribute[str]]:
        """The columns of the list's order."""
        return AGE_ORDER if self.by_age else ORDER

    @property
    def signed_rank(self) -> int:
        """The rank of what is settled."""
        return AGE_SIGNED if self.by_age else RANK_SIGNED

    @property
    def shelved_rank(self) -> int:
        """The rank of what a list leaves out."""
        return AGE_SHELVED if self.by_age else RANK_SHELVED


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in the order of the list: a page begins behind one."""

    rank: int
    study_created_at: datetime
    id: str


def place_of(row: WorklistRow, filters: WorklistFilters | None = None) -> Place:
    """Where the row stands in a list of these filters."""
    by_age = filters is not None and filters.by_age
    return Place(row.age_rank if by_age else row.urgency_rank, row.study_created_at, row.id)


def list_rows(
    session: Session, site_id: str, filters: WorklistFilters, after: Place | None, limit: int
) -> Sequence[WorklistRow]:
    """A page of one site's list, as rows_of_sites() gives it."""
    return rows_of_sites(session, (site_id,), filters, after, limit)


def rows_of_sites(
    session: Session, site_ids: Sequence[str], filters: WorklistFilters, after: Place | None, limit: int
) -> Sequence[WorklistRow]:
    """Up to `limit` rows behind `after`: by urgency, then those who wait longest. Reads the worklist table alone."""
    query = page_query(session, site_ids, filters, after, limit)
    return [] if query is None else session.scalars(query).all()


def page_query(
    session: Session, site_ids: Sequence[str], filters: WorklistFilters, after: Place | None, limit: int
) -> Select[WorklistRow] | None:
    """The page as one statement in the list's order; None where no row can pass.

    Each site, modality word and kind of disagreement has a range of an index to itself: several are merged.
    """
    walks = [worklist_query(site_id, filters, after) for site_id in site_ids]
    if filters.modality is not None:
        held = {words for site_id in site_ids for words in modalities_with(session, site_id, filters.modality)}
        walks = [walk.where(WorklistRow.modality == words) for walk in walks for words in sorted(held)]
    if filters.disagreements is not None:
        kinds = sorted(filters.disagreements)
        walks = [walk.where(WorklistRow.disagreement == kind) for walk in walks for kind in kinds]
    if not walks:
        return None
    return (walks[0] if len(walks) == 1 else merged(walks, limit, filters)).limit(limit)


def worklist_query(site_id: str, filters: WorklistFilters, after: Place | None) -> Select[WorklistRow]:
    """One site's rows that pass all filters that name one value; an index of the table gives each filter's order."""
    # A few studies are found by their ids: as a plain column the site would have SQLite walk the whole list in order.
    site = WorklistRow.site_id if filters.study_ids is None else func.coalesce(WorklistRow.site_id, "")
    query = select(WorklistRow).where(site == site_id, *_wanted(filters)).order_by(*filters.order)
    if after is None:
        return query
    place = tuple_(literal(after.rank), literal(after.study_created_at, UtcDateTime), literal(after.id))
    return query.where(tuple_(*filters.order) > place)


def merged(queries: Sequence[Select[WorklistRow]], limit: int, filters: WorklistFilters) -> Select[WorklistRow]:
    """The first rows of several queries in the list's order: none of them has to be read further than `limit`."""
    heads = [query.with_only_columns(WorklistRow.id).limit(limit).subquery() for query in queries]
    ids = union_all(*(select(head.c.id) for head in heads))
    return select(WorklistRow).where(WorklistRow.id.in_(ids)).order_by(*filters.order)


def modalities_with(session: Session, site_id: str, modality: str) -> list[str]:
    """What the list says of studies that hold this modality: a study of several holds them as "CT/SR".

    The list knows few such words however long it is: each is found by one step in an index.
    """
    seen = (
        select(func.min(WorklistRow.modality).label("words")).where(WorklistRow.site_id == site_id).cte(recursive=True)
    )
    further = (
        select(func.min(WorklistRow.modality))
        .where(WorklistRow.site_id == site_id, WorklistRow.modality > seen.c.words)
        .scalar_subquery()
    )
    seen = seen.union_all(select(further).where(seen.c.words.is_not(None)))
    found = session.scalars(select(seen.c.words).where(seen.c.words.is_not(None)))
    return [words for words in found if modality in words.split("/")]


def _wanted(filters: WorklistFilters) -> list[ColumnElement[bool]]:
    equal = {
        WorklistRow.study_state: filters.study_state,
        WorklistRow.job_state: filters.job_state,
        WorklistRow.pipeline: filters.pipeline,
        WorklistRow.urgency: filters.urgency,
        WorklistRow.abstained: filters.abstained,
        WorklistRow.gradable: filters.gradable,
        WorklistRow.review_state: filters.review_state,
        WorklistRow.assignee_id: filters.assignee_id,
    }
    wanted: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if filters.first_day is not None:
        wanted.append(WorklistRow.study_date >= filters.first_day)
    if filters.last_day is not None:
        wanted.append(WorklistRow.study_date <= filters.last_day)
    rank = filters.order[0]
    if filters.study_ids is not None:
        wanted.append(WorklistRow.study_id.in_(filters.study_ids))
    elif filters.open:
        wanted.append(rank < filters.signed_rank)
    elif filters.first_day is not None or filters.last_day is not None:
        # Some days are found by their index: as a plain column the rank would have SQLite walk the list in its order.
        wanted.append(func.coalesce(rank, 0) < filters.shelved_rank)
    else:
        wanted.append(rank < filters.shelved_rank)
    if filters.unassigned:
        # PostgreSQL sorts what it finds by "is null" in an index: walking the list in its order ends after a page.
        wanted.append(func.coalesce(WorklistRow.assignee_id, "") == "")
    if filters.not_signed_by is not None:
        # Few lines have a first reader, so that few slots are asked whose signatures they hold.
        own = standing_of_reader(filters.not_signed_by, WorklistRow.slot_id.expression)
        wanted.append(or_(WorklistRow.first_reader_id.is_(None), func.coalesce(own, 0) <= 0))
    if filters.changes is not None:
        wanted.append(WorklistRow.change.in_(filters.changes))
    return wanted
