"""Studies: one study with all that belongs to it, its timeline and its priors."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from pipelines.core.change import ChangeKind
from pipelines.core.errors import BadCursor, NotFound
from services.api.deps import RowId, Technician, TheLooker, TheSettings, TheStore
from services.api.drawing import STUDY_DRAWN
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, page_of
from services.api.results import result_view
from services.api.slots import SlotView, slot_view
from services.api.views import (
    JobView,
    JsonObject,
    PriorityWord,
    ResultView,
    ReviewView,
    job_view,
    priority_word,
    review_view,
)
from services.store import lists, studies
from services.store.places import places_in_queue
from services.store.session import unit_of_work
from services.store.states import SeriesState, StudyState
from services.store.studies import SeriesTree
from services.store.tables import Instance, OutboxEvent, Patient, Study, WorklistRow
from services.work.access import OpenedStudy, open_priors, open_study
from services.work.priors import Prior
from services.work.told import events_for

router = APIRouter(prefix="/studies", tags=["studies"])


class PatientView(BaseModel):
    """Who was imaged."""

    id: str
    patient_id: str = Field(examples=["P-1002"])
    name: str | None = Field(examples=["DOE^JANE"])
    birth_date: date | None
    sex: str | None


class InstanceView(BaseModel):
    """One image: `/instances/{id}/rendered` shows it."""

    id: str
    sop_instance_uid: str
    sop_class_uid: str
    instance_number: int | None
    laterality: str | None
    rows: int | None
    columns: int | None
    frames: int | None
    conflict: bool = Field(description="Other bytes came under the same SOP Instance UID before.")
    flag: str | None = Field(description="E.g. same_picture: also stored under another patient or eye.")
    received_at: datetime


class SeriesView(BaseModel):
    """A series with its images."""

    id: str
    series_instance_uid: str
    modality: str
    body_part: str | None
    laterality: str | None
    description: str | None
    state: SeriesState
    expected_count: int | None = Field(description="Images that its headers say it holds.")
    incomplete: str | None = Field(
        description="What is missing of it, as far as anything says.", examples=["118 of 120 images came"]
    )
    derived_from: str | None = Field(description="The result that made it, where a model did.")
    instances: list[InstanceView]


class StudyHead(BaseModel):
    """A study without what belongs to it."""

    id: str
    study_instance_uid: str
    state: StudyState
    priority: PriorityWord
    study_date: date | None
    description: str | None
    accession_number: str | None
    unrouted_reason: str | None
    expected_count: int | None = Field(description="Images that its sender, or a header, says it holds.")
    incomplete: str | None = Field(
        description="What is missing of it, as far as anything says.", examples=["CT: 118 of 120 images came"]
    )
    legal_hold: bool = Field(description="Whether retention must leave it as it is.")
    erased_at: datetime | None = Field(description="When retention removed its images; results and reviews stay.")
    created_at: datetime
    completed_at: datetime | None


class SignedFindingView(BaseModel):
    """A finding that a reader signed, as it was or edited."""

    model_config = ConfigDict(from_attributes=True)

    pipeline: str = Field(examples=["retinopathy"])
    label: str = Field(examples=["dr_grade"])
    laterality: str | None = Field(description="R, L or B; null for the patient.", examples=["L"])
    value: int | float | str = Field(examples=[1])
    unit: str | None = None


class PriorView(StudyHead):
    """An earlier study of the same patient."""

    modality: str = Field(description="Of its series, joined by a slash.", examples=["OP"])
    signed: list[SignedFindingView] = Field(description="Empty where no reading is signed, or only a rejection is.")


class StudyChange(BaseModel):
    """What a reading overnight says otherwise; its result stands among the results as `proposed`."""

    slot_id: str
    kind: ChangeKind
    headline: str = Field(examples=["DR grade 1 -> 2, now referable"])
    weight: float
    batch_id: str


class StudyView(StudyHead):
    """One study with patient, series, jobs, results and reviews; the newest job and result come first."""

    patient: PatientView
    series: list[SeriesView]
    jobs: list[JobView]
    results: list[ResultView]
    reviews: list[ReviewView]
    changes: list[StudyChange] = Field(description="Until a reader signs after them.")
    slots: list[SlotView] = Field(description="Its questions, oldest first; of a withheld one all else is left out.")


class EventView(BaseModel):
    """Something that happened to a study."""

    id: str
    topic: str = Field(examples=["job"])
    payload: JsonObject = Field(description="Ids and states.", examples=[{"job": "01JD8Q…", "state": "running"}])
    created_at: datetime


@router.get(
    "/{study_id}",
    summary="One study with all that belongs to it",
    dependencies=[STUDY_DRAWN],
    responses=problems(NotFound),
)
def study(study_id: RowId, looker: TheLooker, store: TheStore, settings: TheSettings) -> StudyView:
    """Opening a study leaves a row in the audit."""
    opened = open_study(store, looker, study_id)
    with unit_of_work(store.database, writing=False) as session:
        places = places_in_queue(session, opened.jobs, settings.priority_ageing_seconds)
    return study_view(opened, places, settings.undo_grace_seconds)


@router.get("/{study_id}/events", summary="A study's timeline, oldest first", responses=problems(NotFound, BadCursor))
def timeline(
    study_id: RowId, actor: Technician, store: TheStore, limit: Limit = 50, cursor: Cursor = None
) -> Page[EventView]:
    """What happened to the study: ids and states only."""
    with unit_of_work(store.database, writing=False) as session:
        studies.get_study(session, study_id)
        rows = lists.oldest_first(session, OutboxEvent, after_id(cursor), limit + 1, OutboxEvent.study_id == study_id)
        told = {row.id for row in events_for(session, actor.user_id, rows)}
    page = page_of(rows, limit, event_view)
    return Page(items=[one for one in page.items if one.id in told], next_cursor=page.next_cursor)


@router.get("/{study_id}/priors", summary="Earlier studies of the same patient", responses=problems(NotFound))
def priors(study_id: RowId, looker: TheLooker, store: TheStore) -> Page[PriorView]:
    """All of them, newest first, with what readers signed; what only a machine said is in the study itself."""
    return Page(items=[prior_view(one) for one in open_priors(store, looker, study_id)])


def study_view(opened: OpenedStudy, places: dict[str, int], grace_seconds: float) -> StudyView:
    """Everything known of a study as JSON."""
    return StudyView(
        **study_head(opened.tree.study).model_dump(),
        patient=patient_view(opened.tree.patient),
        series=[series_view(tree) for tree in opened.tree.series],
        jobs=[job_view(job, places.get(job.id), withheld=job.slot_id in opened.withheld) for job in opened.jobs],
        results=[result_view(shown) for shown in opened.results],
        reviews=[review_view(word, grace_seconds) for word in opened.reviews],
        changes=[study_change(row) for row in opened.marks],
        slots=[slot_view(one) for one in opened.slots],
    )


def prior_view(prior: Prior) -> PriorView:
    """An earlier study as JSON."""
    return PriorView(
        **study_head(prior.study).model_dump(),
        modality=prior.modality,
        signed=[SignedFindingView.model_validate(one) for one in prior.signed],
    )


def study_change(row: WorklistRow) -> StudyChange:
    """The mark of a worklist line as JSON."""
    return StudyChange.model_validate(
        {
            "slot_id": row.slot_id,
            "kind": row.change,
            "headline": row.change_headline,
            "weight": row.change_weight,
            "batch_id": row.change_batch_id,
        }
    )


def study_head(row: Study) -> StudyHead:
    """A study's row as JSON."""
    return StudyHead(
        id=row.id,
        study_instance_uid=row.study_instance_uid,
        state=StudyState(row.state),
        priority=priority_word(row.priority),
        study_date=row.study_date,
        description=row.description,
        accession_number=row.accession_number,
        unrouted_reason=row.unrouted_reason,
        expected_count=row.stated_count if row.expected_count is None else row.expected_count,
        incomplete=row.incomplete,
        legal_hold=row.legal_hold,
        erased_at=row.erased_at,
        created_at=row.created_at,
        completed_at=row.completed_at,
    )


def patient_view(row: Patient) -> PatientView:
    """A patient's row as JSON."""
    return PatientView(id=row.id, patient_id=row.patient_id, name=row.name, birth_date=row.birth_date, sex=row.sex)


def series_view(tree: SeriesTree) -> SeriesView:
    """A series with its images as JSON."""
    row = tree.series
    return SeriesView(
        id=row.id,
        series_instance_uid=row.series_instance_uid,
        modality=row.modality,
        body_part=row.body_part,
        laterality=row.laterality,
        description=row.description,
        state=SeriesState(row.state),
        expected_count=row.expected_count,
        incomplete=row.incomplete,
        derived_from=row.derived_from,
        instances=[instance_view(instance) for instance in tree.instances],
    )


def instance_view(row: Instance) -> InstanceView:
    """An image's row as JSON."""
    return InstanceView(
        id=row.id,
        sop_instance_uid=row.sop_instance_uid,
        sop_class_uid=row.sop_class_uid,
        instance_number=row.instance_number,
        laterality=row.laterality,
        rows=row.rows,
        columns=row.columns,
        frames=row.frames,
        conflict=row.conflict,
        flag=row.flag,
        received_at=row.received_at,
    )


def event_view(row: OutboxEvent) -> EventView:
    """An event's row as JSON."""
    return EventView(id=row.id, topic=row.topic, payload=row.payload, created_at=row.created_at)
