"""Models: cards, versions, digests, measured figures and states; promote and retire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipelines.core.errors import Conflict, UnknownModel
from services.api.deps import Admin, Technician, TheStore
from services.api.errors import problems
from services.api.pages import Page
from services.api.views import JsonObject
from services.intake.access import Actor
from services.intake.idempotency import IdempotencyHeader, once
from services.store import models
from services.store.models import StatedVersion
from services.store.session import unit_of_work
from services.store.states import ModelState
from services.store.stores import Store
from services.work.models import promote, retire, roll_back, shadow
from services.work.told import ranked_for

router = APIRouter(prefix="/models", tags=["models"])

VersionNumber = Annotated[str, StringConstraints(max_length=64, pattern=r"^[\w.+-]+$")]
Reason = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]

Name = Annotated[str, Path(max_length=64, pattern=r"^[\w.-]+$", examples=["fundus_dr_grading"])]


class VersionView(BaseModel):
    """One version of a model; its state is what its newest event says."""

    id: str
    version: str = Field(examples=["1.0.0"])
    state: ModelState
    sha256: str = Field(description="Of the bundle: configuration and weights.")
    weights_sha256: str
    thresholds: JsonObject
    figures: JsonObject = Field(description="What was measured, as the bundle's metadata states it.")
    created_at: datetime
    state_since: datetime
    state_by: str
    state_reason: str


class ModelView(BaseModel):
    """A model with its versions, newest first."""

    name: str = Field(examples=["fundus_dr_grading"])
    pipeline: str = Field(examples=["retinopathy"])
    active: str | None = Field(description="The version in use.", examples=["1.0.0"])
    versions: list[VersionView]


class EventView(BaseModel):
    """A change of state: which version, by whom and why."""

    version: str
    state: ModelState
    actor: str
    reason: str
    created_at: datetime
    comparison: JsonObject | None = Field(
        default=None, description="How it compared with the version before, as `GET /models/{name}/comparison` had it."
    )


class ModelDetail(ModelView):
    """A model with the newest version's card and facts, and everything that was decided about it."""

    card: str = Field(description="The model card, Markdown.")
    facts: JsonObject = Field(description="configs/metadata.json of the newest version.")
    events: list[EventView] = Field(description="Newest first.")
    before: str | None = Field(description="The version that `rollback` puts back; null where there is none.")


class Decision(BaseModel):
    """Which version, and why."""

    version: VersionNumber = Field(examples=["1.0.0"])
    reason: Reason = Field(default="", examples=["Better on our own camera, see the comparison of May."])


class RollBack(BaseModel):
    """Why the version before is put back."""

    reason: Reason = Field(default="", examples=["Too many false alarms on the new camera."])


@router.get("", summary="Models with versions and states", responses=problems())
def model_list(actor: Technician, store: TheStore) -> Page[ModelView]:
    """All of them, by name."""
    with unit_of_work(store.database, writing=False) as session:
        versions = models.list_versions(session)
    names = sorted({stated.version.name for stated in versions})
    return Page(items=[_view(name, [one for one in versions if one.version.name == name]) for name in names])


@router.get("/{name}", summary="One model with card, figures and history", responses=problems(UnknownModel))
def model(name: Name, actor: Technician, store: TheStore) -> ModelDetail:
    """The card is the newest version's."""
    return _detail(store, actor, name)


@router.post(
    "/{name}/promote",
    summary="Put a version into use",
    response_model=ModelDetail,
    responses=problems(UnknownModel),
)
def put_into_use(
    name: Name,
    body: Decision,
    request: Request,
    actor: Admin,
    store: TheStore,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """It reads studies from now on, and how it compared with the version before is kept with the decision.

    Studies that were read stay as they are: `POST /batches` reads them again.
    """
    return _decide(store, actor, request, idempotency_key, name, body, promote)


@router.post(
    "/{name}/retire", summary="Take a version out of use", response_model=ModelDetail, responses=problems(UnknownModel)
)
def take_out_of_use(
    name: Name,
    body: Decision,
    request: Request,
    actor: Admin,
    store: TheStore,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """A pipeline without a version in use takes no studies, and the worklist says so."""
    return _decide(store, actor, request, idempotency_key, name, body, retire)


@router.post(
    "/{name}/shadow",
    summary="Let a version read silently beside the one in use",
    response_model=ModelDetail,
    responses=problems(UnknownModel, Conflict),
)
def read_silently(
    name: Name,
    body: Decision,
    request: Request,
    actor: Admin,
    store: TheStore,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """It reads every new study after the version in use; what it finds is compared and shown to no reader."""
    return _decide(store, actor, request, idempotency_key, name, body, shadow)


@router.post(
    "/{name}/rollback",
    summary="Put the version before back into use",
    response_model=ModelDetail,
    responses=problems(UnknownModel),
)
def put_back(
    name: Name,
    body: RollBack,
    request: Request,
    actor: Admin,
    store: TheStore,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """The version that was in use before the present one reads studies from now on."""

    def act() -> ModelDetail:
        roll_back(store, actor.id_string, name, body.reason)
        return _detail(store, actor, name)

    return once(store, actor, request, body, idempotency_key, act)


def _decide(
    store: Store,
    actor: Actor,
    request: Request,
    key: str | None,
    name: str,
    decision: Decision,
    decide: Callable[[Store, str, str, str, str], None],
) -> Response:
    """Do it once, and answer with the model as it is then."""

    def act() -> ModelDetail:
        decide(store, actor.id_string, name, decision.version, decision.reason)
        return _detail(store, actor, name)

    return once(store, actor, request, decision, key, act)


def _detail(store: Store, actor: Actor, name: str) -> ModelDetail:
    with unit_of_work(store.database, writing=False) as session:
        versions = [stated for stated in models.list_versions(session) if stated.version.name == name]
        if not versions:
            raise UnknownModel
        events = _events(session, actor, versions)
        former = models.version_before(session, name)
    newest = versions[0].version
    return ModelDetail(
        **_view(name, versions).model_dump(),
        card=newest.card,
        facts=newest.facts,
        events=events,
        before=former.version if former else None,
    )


def _events(session: Session, actor: Actor, versions: list[StatedVersion]) -> list[EventView]:
    told = [
        (
            event.id,
            EventView(
                version=stated.version.version,
                state=ModelState(event.state),
                actor=event.actor,
                reason=event.reason,
                created_at=event.created_at,
                comparison=_kept(session, actor, event.comparison),
            ),
        )
        for stated in versions
        for event in models.events_of(session, stated.version.id)
    ]
    return [view for _, view in sorted(told, key=lambda pair: pair[0], reverse=True)]


def _kept(session: Session, actor: Actor, figures: JsonObject | None) -> JsonObject | None:
    """What a decision rested on, without the studies that who asks reads blind; to a blind-first reader nothing."""
    if figures is None or actor.blind_first:
        return None
    return figures | {"largest": ranked_for(session, actor.user_id, figures["largest"], "candidate_result_id")}


def _view(name: str, versions: list[StatedVersion]) -> ModelView:
    active = next((one.version.version for one in versions if one.state is ModelState.ACTIVE), None)
    return ModelView(
        name=name,
        pipeline=versions[0].version.pipeline,
        active=active,
        versions=[_version_view(stated) for stated in versions],
    )


def _version_view(stated: StatedVersion) -> VersionView:
    row, event = stated.version, stated.event
    return VersionView(
        id=row.id,
        version=row.version,
        state=stated.state,
        sha256=row.sha256,
        weights_sha256=row.weights_sha256,
        thresholds=row.thresholds,
        figures=row.facts.get("eval_metrics", {}),
        created_at=row.created_at,
        state_since=event.created_at,
        state_by=event.actor,
        state_reason=event.reason,
    )
