"""The worklist: filters, order by urgency, and text search."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.change import ChangeKind
from pipelines.core.errors import BadCursor, WithheldFilter
from pipelines.core.types import Urgency
from services.api.deps import Lister, TheStore
from services.api.errors import problems
from services.api.filters import ListFilters, stored_filters
from services.api.pages import Cursor, Page, pack, unpack
from services.api.studies import PatientView, patient_view
from services.api.views import PriorityWord, priority_word
from services.intake.access import Actor
from services.store.age import SILENT
from services.store.blind import withheld_slots
from services.store.reviews import signed_by
from services.store.session import unit_of_work
from services.store.sites import site_ids
from services.store.states import Disagreement, JobState, ReviewState, StudyState, Verdict
from services.store.stores import Store
from services.store.tables import Job, Patient, User, WorklistRow
from services.store.worklist_pages import Place, WorklistFilters, place_of, rows_of_sites
from services.work.access import search_for

router = APIRouter(prefix="/studies", tags=["studies"])

LONGEST_SEARCH: Final = 200

#: Rows are small, and a reader scrolls through thousands.
MAX_ROWS: Final = 500
RowLimit = Annotated[int, Query(ge=1, le=MAX_ROWS, description="How many rows at most.")]


class WorklistItem(BaseModel):
    """One line of the worklist: a study's question to one pipeline, or a study that no pipeline takes."""

    id: str = Field(description="The study's id.")
    row_id: str = Field(description="The line's own id: a study has one line for each pipeline that reads it.")
    site_id: str
    patient: PatientView
    modality: str
    study_date: date | None
    state: StudyState
    unrouted_reason: str | None = Field(description="Why no pipeline reads it.")
    incomplete: str | None = Field(description="What is missing of it, as far as anything says.")
    pipeline: str | None
    priority: PriorityWord
    job_id: str | None
    job_state: JobState | None
    job_error: str | None
    job_error_detail: str | None = Field(
        description="What was wrong, in one sentence.", examples=["the object carries no pixel data"]
    )
    result_id: str | None
    proposed_result_id: str | None
    urgency: Urgency | None
    abstained: bool
    gradable: bool = Field(description="False: the machine says that the images cannot be graded.")
    headline: str | None = Field(examples=["DR grade 2"])
    confidence: float | None = Field(examples=[0.81])
    review_state: ReviewState
    verdict: Verdict | None
    first_reader_id: str | None = Field(description="Who signed, while a second reader or an adjudicator is awaited.")
    waits_for_another: bool = Field(
        description="You have signed it, and another reader has to read or to decide: nothing waits for you."
    )
    disagreement: Disagreement | None = Field(description="Who says otherwise, the gravest first.")
    assignee_id: str | None
    assignee_name: str | None = Field(examples=["reader"])
    change: ChangeKind | None = Field(
        description="What the newest reading overnight says otherwise, until it is signed."
    )
    change_headline: str | None = Field(examples=["DR grade 1 -> 2, now referable"])
    change_weight: float | None = Field(description="The larger, the graver.", examples=[101.0])
    change_batch_id: str | None
    created_at: datetime
    updated_at: datetime


class Filters(ListFilters):
    """Filters of the list, and the page of it."""

    limit: RowLimit = 50
    cursor: Cursor = None


class Search(BaseModel):
    """What to look for."""

    text: Annotated[str, StringConstraints(max_length=LONGEST_SEARCH, pattern=r"^[^\x00]*$")] = Field(
        description="Words; name, patient id, accession number, description or UID hold them all.",
        examples=["doe 1002"],
    )


@router.get("", summary="The worklist, most urgent first", responses=problems(BadCursor, WithheldFilter))
def worklist(actor: Lister, store: TheStore, wanted: Annotated[Filters, Query()]) -> Page[WorklistItem]:
    """What the machine could not answer comes first, then by urgency, then those who wait longest.

    Who reads blind first has it by age, what its sender calls urgent first, and rows that say nothing of the machine.
    """
    return _page(store, actor, stored_filters(wanted, actor), wanted.limit, wanted.cursor, wanted.site)


@router.post("/search", summary="Search studies by text", responses=problems(BadCursor))
def search(
    body: Search, actor: Lister, store: TheStore, limit: RowLimit = 50, cursor: Cursor = None
) -> Page[WorklistItem]:
    """A POST, so that names and numbers stay out of addresses and logs. Each search leaves a row in the audit."""
    found = search_for(store, actor.id_string, body.text)
    return _page(store, actor, WorklistFilters(study_ids=found, by_age=actor.blind_first), limit, cursor)


def _page(
    store: Store, actor: Actor, filters: WorklistFilters, limit: int, cursor: str | None, site: str | None = None
) -> Page[WorklistItem]:
    with unit_of_work(store.database, writing=False) as session:
        sites = site_ids(session) if site is None else [site]
        rows = rows_of_sites(session, sites, filters, _place(cursor), limit + 1)
        shown = rows[:limit]
        patients = _patients(session, {row.patient_id for row in shown})
        names = _names(session, {row.assignee_id for row in shown if row.assignee_id})
        errors = _errors(session, {row.job_id for row in shown if row.job_id and row.job_error})
        withheld = withheld_slots(session, actor.user_id, {row.slot_id for row in shown if row.slot_id})
        own = _signed_by(session, actor, {row.slot_id for row in shown if row.slot_id and row.first_reader_id})
    items = [
        worklist_item(
            row,
            patients[row.patient_id],
            names.get(row.assignee_id or ""),
            errors.get(row.job_id or ""),
            waits_for_another=row.slot_id in own,
        )
        for row in shown
    ]
    told = [unspoken(item, actor) if row.slot_id in withheld else item for item, row in zip(items, shown, strict=True)]
    return Page(items=told, next_cursor=_cursor(place_of(shown[-1], filters)) if len(rows) > limit else None)


def _patients(session: Session, ids: set[str]) -> dict[str, Patient]:
    return {row.id: row for row in session.scalars(select(Patient).where(Patient.id.in_(sorted(ids))))}


def _names(session: Session, ids: set[str]) -> dict[str, str]:
    return {row[0]: row[1] for row in session.execute(select(User.id, User.name).where(User.id.in_(sorted(ids))))}


def _signed_by(session: Session, actor: Actor, slot_ids: set[str]) -> frozenset[str]:
    """Of the readings that wait for another's word: those that hold this reader's own."""
    return frozenset() if actor.user_id is None else signed_by(session, actor.user_id, slot_ids)


def _errors(session: Session, job_ids: set[str]) -> dict[str, str | None]:
    """What went wrong with each of the jobs, which few pages have any of."""
    if not job_ids:
        return {}
    told = select(Job.id, Job.error_detail).where(Job.id.in_(sorted(job_ids)))
    return {row[0]: row[1] for row in session.execute(told)}


def _cursor(place: Place) -> str:
    return pack(place.rank, place.study_created_at.isoformat(), place.id)


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    rank, created, row_id = unpack(cursor, int, str, str)
    try:
        moment = datetime.fromisoformat(str(created))
        place = None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # the latter: a zone that leads out of the calendar
        raise BadCursor from error
    if rank is None or row_id is None or place is None:
        raise BadCursor
    return Place(int(rank), place, str(row_id))


def unspoken(item: WorklistItem, actor: Actor) -> WorklistItem:
    """The line without what the machine and other readers said, as if it had come and nothing happened to it since."""
    silent = {**SILENT, "result_id": None, "updated_at": item.created_at}
    if actor.blind_first:  # to whom only the second read is blinded is told that it is one
        silent |= {"review_state": ReviewState.UNREAD, "first_reader_id": None, "waits_for_another": False}
    return item.model_copy(update=silent)


def worklist_item(
    row: WorklistRow, patient: Patient, assignee: str | None, error: str | None, *, waits_for_another: bool
) -> WorklistItem:
    """A line of the projection as JSON; `assignee` is the name of who is to read it, `error` why its job failed."""
    return WorklistItem(
        id=row.study_id,
        row_id=row.id,
        site_id=row.site_id,
        patient=patient_view(patient),
        modality=row.modality,
        study_date=row.study_date,
        state=StudyState(row.study_state),
        unrouted_reason=row.unrouted_reason,
        incomplete=row.incomplete,
        pipeline=row.pipeline or None,
        priority=priority_word(row.priority),
        job_id=row.job_id,
        job_state=JobState(row.job_state) if row.job_state else None,
        job_error=row.job_error,
        job_error_detail=error,
        result_id=row.result_id,
        proposed_result_id=row.proposed_result_id,
        urgency=Urgency(row.urgency) if row.urgency else None,
        abstained=row.abstained,
        gradable=row.gradable,
        headline=row.headline,
        confidence=row.confidence,
        review_state=ReviewState(row.review_state),
        verdict=Verdict(row.verdict) if row.verdict else None,
        first_reader_id=row.first_reader_id,
        waits_for_another=waits_for_another,
        disagreement=Disagreement(row.disagreement) if row.disagreement else None,
        assignee_id=row.assignee_id,
        assignee_name=assignee,
        change=ChangeKind(row.change) if row.change else None,
        change_headline=row.change_headline,
        change_weight=row.change_weight,
        change_batch_id=row.change_batch_id,
        created_at=row.study_created_at,
        updated_at=row.updated_at,
    )
