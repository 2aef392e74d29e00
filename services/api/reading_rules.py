"""Reading rules: when a second reader is asked, as administrators write it."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.errors import BadInput, Conflict, NotFound
from pipelines.core.types import Urgency
from services.api.deps import Admin, Line, RowId, TheStore, Word
from services.api.errors import problems
from services.api.pages import Page
from services.intake.idempotency import IdempotencyHeader, once
from services.store import rules
from services.store.session import unit_of_work
from services.store.tables import ReadingRule
from services.work import second
from services.work.second import WantedRule

router = APIRouter(prefix="/reading-rules", tags=["administration"])


class NewRule(BaseModel):
    """A rule to be written down; it is asked at every first signature from then on."""

    name: Line = Field(min_length=1, examples=["every tenth, and all that is urgent"])
    pipeline: Word | None = Field(default=None, description="Only its results; null: of any pipeline.")
    share: float = Field(default=0.0, ge=0, le=1, description="Of all signed readings, drawn by lot.", examples=[0.1])
    urgencies: list[Urgency] = Field(
        default=[],
        max_length=len(Urgency),
        description="Those of the machine's answer that always ask.",
        examples=[["stat", "urgent"]],
    )
    on_abstained: bool = Field(default=False, description="Where the machine abstained.")
    on_disagreement: bool = Field(default=False, description="Where the first reader edited or rejected its answer.")
    blinded: bool = Field(
        default=True, description="The second reader says a word before the machine's and the first reader's are shown."
    )


class RuleView(NewRule):
    """A rule in force."""

    id: str
    created_by: str
    created_at: datetime


@router.get("", summary="Reading rules in force", responses=problems())
def rule_list(actor: Admin, store: TheStore) -> Page[RuleView]:
    """Oldest first."""
    with unit_of_work(store.database, writing=False) as session:
        return Page(items=[rule_view(rule) for rule in rules.rules_in_force(session)])


@router.post(
    "", status_code=201, summary="Add a reading rule", response_model=RuleView, responses=problems(BadInput, Conflict)
)
def add_rule(
    body: NewRule, request: Request, actor: Admin, store: TheStore, idempotency_key: IdempotencyHeader = None
) -> Response:
    """Where several rules ask for a second reader of one answer, that reader is one, and blinded if any says so."""
    wanted = WantedRule(**body.model_dump())

    def act() -> RuleView:
        return rule_view(second.add(store, wanted, actor.id_string))

    return once(store, actor, request, body, idempotency_key, act, status=201)


@router.delete("/{rule_id}", status_code=204, summary="End a reading rule", responses=problems(NotFound))
def end_rule(rule_id: RowId, actor: Admin, store: TheStore) -> Response:
    """It asks for nothing new; whoever was asked for is still asked for. A changed rule is a new one."""
    second.end(store, rule_id, actor.id_string)
    return Response(status_code=204)


def rule_view(row: ReadingRule) -> RuleView:
    """A rule's row as JSON."""
    return RuleView(
        id=row.id,
        name=row.name,
        pipeline=row.pipeline,
        share=row.share,
        urgencies=row.urgencies,
        on_abstained=row.on_abstained,
        on_disagreement=row.on_disagreement,
        blinded=row.blinded,
        created_by=row.created_by,
        created_at=row.created_at,
    )
