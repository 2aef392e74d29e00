"""Retention policies, what they would remove, and legal holds: for administrators."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import BadInput, Conflict, LegalHold, NotFound
from services.api.deps import Admin, Line, RowId, TheStore, Word
from services.api.errors import problems
from services.api.pages import Page
from services.intake.idempotency import IdempotencyHeader, once
from services.store import retention as rows
from services.store import studies
from services.store.session import unit_of_work
from services.store.states import RetentionState
from services.store.tables import RetentionPolicy
from services.work import retention
from services.work.retention import Wanted

router = APIRouter(prefix="/retention", tags=["administration"])
holds = APIRouter(prefix="/studies", tags=["administration"])

#: A century: what no policy is older than.
MOST_DAYS = 36_525


class PolicyView(BaseModel):
    """A retention policy."""

    id: str
    name: str = Field(examples=["signed after ten years"])
    states: list[RetentionState] = Field(description="signed: every reading is; unrouted: no pipeline reads it.")
    older_than_days: int = Field(description="Days since the last image, and since the last review.", examples=[3650])
    pipeline: str | None = Field(description="Only studies that this pipeline was asked about.")
    approved_by: str | None = Field(description="Null: it removes nothing yet.")
    approved_at: datetime | None
    created_by: str
    created_at: datetime


class NewPolicy(BaseModel):
    """A policy to be written down; it acts once it is approved."""

    name: Word = Field(examples=["signed after ten years"])
    states: list[RetentionState] = Field(min_length=1, max_length=len(RetentionState))
    older_than_days: int = Field(ge=retention.SHORTEST_DAYS, le=MOST_DAYS, examples=[3650])
    pipeline: Word | None = None


class PreviewView(BaseModel):
    """What a policy would remove now."""

    policy: PolicyView
    studies: int = Field(description="Send it with the approval: it must not have changed.")
    images: int
    bytes: int = Field(description="At most so many are freed; what a study that stays shares with them is kept.")
    oldest: datetime | None = Field(description="When the last image of the oldest study came.")
    newest: datetime | None
    study_ids: list[str] = Field(description="The oldest of them.")


class Approval(BaseModel):
    """A person has seen the preview."""

    studies: int = Field(ge=0, description="How many studies the preview counted.")


class NewHold(BaseModel):
    """Why a study must stay as it is."""

    reason: Line = Field(min_length=1, examples=["litigation 2026/114"])


class HoldView(BaseModel):
    """A study's legal hold."""

    study_id: str
    legal_hold: bool
    reason: str | None


@router.get("", summary="Retention policies", responses=problems())
def policy_list(actor: Admin, store: TheStore) -> Page[PolicyView]:
    """All that were not ended, oldest first."""
    with unit_of_work(store.database, writing=False) as session:
        return Page(items=[policy_view(row) for row in rows.policies(session)])


@router.post(
    "", status_code=201, summary="Add a policy", response_model=PolicyView, responses=problems(BadInput, Conflict)
)
def add_policy(
    body: NewPolicy, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """It removes nothing before a person approved what `preview` shows."""
    wanted = Wanted(body.name, frozenset(body.states), body.older_than_days, body.pipeline)

    def act() -> PolicyView:
        return policy_view(retention.add(store, wanted, actor.id_string))

    return once(store, actor, request, body, idempotency_key, act, status=201)


@router.delete("/{policy_id}", status_code=204, summary="End a policy", responses=problems(NotFound))
def end_policy(policy_id: RowId, actor: Admin, store: TheStore) -> Response:
    """It acts no more; what it removed stays removed."""
    retention.remove(store, policy_id, actor.id_string)
    return Response(status_code=204)


@router.get("/{policy_id}/preview", summary="What a policy would remove now", responses=problems(NotFound))
def preview_policy(policy_id: RowId, actor: Admin, store: TheStore) -> PreviewView:
    """Nothing is changed by looking."""
    policy, seen = retention.look(store, policy_id)
    return PreviewView(
        policy=policy_view(policy),
        studies=seen.studies,
        images=seen.images,
        bytes=seen.bytes,
        oldest=seen.oldest,
        newest=seen.newest,
        study_ids=list(seen.study_ids),
    )


@router.post(
    "/{policy_id}/approve",
    summary="Let a policy act",
    response_model=PolicyView,
    responses=problems(NotFound, Conflict),
)
def approve_policy(
    policy_id: RowId,
    body: Approval,
    request: Request,
    actor: Admin,
    store: TheStore,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """With the number that its preview counted; `preview_changed` where it means another number by now."""

    def act() -> PolicyView:
        return policy_view(retention.approve(store, policy_id, body.studies, actor.id_string))

    return once(store, actor, request, body, idempotency_key, act)


@holds.post(
    "/{study_id}/hold",
    summary="Put a legal hold on a study",
    response_model=HoldView,
    responses=problems(NotFound, LegalHold),
)
def hold_study(
    study_id: RowId,
    body: NewHold,
    request: Request,
    actor: Admin,
    store: TheStore,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """Retention leaves it as it is, whatever the policies say; a second reason replaces the first."""

    def act() -> HoldView:
        retention.hold(store, study_id, body.reason, actor.id_string)
        return hold_view(store, study_id)

    return once(store, actor, request, body, idempotency_key, act)


@holds.get("/{study_id}/hold", summary="A study's legal hold", responses=problems(NotFound))
def hold_of(study_id: RowId, actor: Admin, store: TheStore) -> HoldView:
    """With its reason, which may name people and is shown to administrators alone."""
    return hold_view(store, study_id)


@holds.delete("/{study_id}/hold", status_code=204, summary="Lift a legal hold", responses=problems(NotFound))
def release_study(study_id: RowId, actor: Admin, store: TheStore) -> Response:
    """Policies mean the study again; lifting twice is harmless."""
    retention.release(store, study_id, actor.id_string)
    return Response(status_code=204)


def hold_view(store: TheStore, study_id: str) -> HoldView:
    """A study's hold as JSON; raises NotFound."""
    with unit_of_work(store.database, writing=False) as session:
        row = studies.get_study(session, study_id)
    return HoldView(study_id=row.id, legal_hold=row.legal_hold, reason=row.legal_hold_reason)


def policy_view(row: RetentionPolicy) -> PolicyView:
    """A policy's row as JSON."""
    return PolicyView(
        id=row.id,
        name=row.name,
        states=[RetentionState(state) for state in row.states],
        older_than_days=row.older_than_days,
        pipeline=row.pipeline,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        created_by=row.created_by,
        created_at=row.created_at,
    )
