"""What a batch changed: each study with both answers side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pipelines.core.change import ChangeKind
from pipelines.core.errors import BadCursor, NotFound, Withheld
from pipelines.core.types import Urgency
from services.api.deps import NotBlind, RowId, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, pack, unpack
from services.api.views import ExplanationView, FindingView, ImageView, ModelRefView
from services.store.changes import Weighed
from services.store.signed import SignedWord
from services.store.states import JobRole, ReviewState, Verdict
from services.work.changed import ChangesAsked, OpenedChange, Shown, open_changes
from services.work.drawn import drawable

router = APIRouter(prefix="/batches", tags=["batches"])


class LinkedArtifact(BaseModel):
    """A file of a result and where its bytes are."""

    name: str = Field(examples=["L-1-overlay.png"])
    kind: str = Field(examples=["overlay"])
    media_type: str = Field(examples=["image/png"])
    url: str = Field(examples=["/api/v1/results/01JD8Q3Z5V7Y9XK2M4N6P8R0ST/artifacts/L-1-overlay.png"])


class SideView(BaseModel):
    """One of the two answers."""

    result_id: str
    role: JobRole
    model: ModelRefView
    findings: list[FindingView]
    images: list[ImageView]
    urgency: Urgency
    abstained: bool
    abstain_reason: str | None
    explanation: ExplanationView | None
    artifacts: list[LinkedArtifact]
    created_at: datetime


class ReadersWord(BaseModel):
    """The signature that counts; agreement is null where the reader only rejected, or the machine gives no answer."""

    review_id: str
    verdict: Verdict | None
    result_id: str = Field(description="The result that was signed.")
    created_at: datetime
    agrees_with_old: bool | None
    agrees_with_reader: bool | None = Field(description="Whether the new answer says what the reader signed.")


class WorklistPlace(BaseModel):
    """How the worklist shows it now."""

    row_id: str
    review_state: ReviewState
    marked: bool = Field(description="Whether the mark of this batch still stands.")
    proposed_result_id: str | None


class ChangeView(BaseModel):
    """A study whose answer changed."""

    id: str
    study_id: str
    subject_kind: str = Field(examples=["study"])
    subject_id: str
    kind: ChangeKind
    weight: float = Field(description="The larger, the graver.", examples=[101.0])
    headline: str = Field(examples=["DR grade 1 -> 2, now referable"])
    old: SideView | None = Field(description="Null where nothing had read it.")
    new: SideView
    review: ReadersWord | None
    worklist: WorklistPlace | None
    finished_at: datetime


@router.get(
    "/{batch_id}/changes",
    summary="What a batch changed, gravest first",
    responses=problems(NotFound, BadCursor, Withheld),
)
def change_list(
    batch_id: RowId,
    actor: NotBlind,
    store: TheStore,
    kind: Annotated[
        ChangeKind | None, Query(description="Only of this kind; none: all that a person should see.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ChangeView]:
    """Both answers with their explanations, and what a reader has signed; opening it leaves a row in the audit."""
    found = open_changes(store, actor.id_string, actor.user_id, ChangesAsked(batch_id, kind, _place(cursor), limit + 1))
    items = [change_view(opened) for opened in found[:limit]]
    last = items[-1] if len(found) > limit else None
    return Page(items=items, next_cursor=pack(repr(last.weight), last.id) if last else None)


def _place(cursor: str | None) -> Weighed | None:
    if cursor is None:
        return None
    weight, item_id = unpack(cursor, str, str)
    try:
        return Weighed(float(str(weight)), str(item_id))
    except ValueError as error:
        raise BadCursor from error


def change_view(opened: OpenedChange) -> ChangeView:
    """A changed answer as JSON."""
    item, row = opened.item, opened.row
    return ChangeView.model_validate(
        {
            "id": item.id,
            "study_id": item.study_id,
            "subject_kind": item.subject_kind,
            "subject_id": item.subject_id,
            "kind": item.change,
            "weight": item.weight,
            "headline": item.headline,
            "old": _side(opened.old) if opened.old else None,
            "new": _side(opened.new),
            "review": _word(opened.word, opened) if opened.word else None,
            "worklist": row
            and WorklistPlace(
                row_id=row.id,
                review_state=ReviewState(row.review_state),
                marked=row.change_batch_id == item.batch_id,
                proposed_result_id=row.proposed_result_id,
            ),
            "finished_at": item.finished_at,
        }
    )


def _side(shown: Shown) -> SideView:
    row = shown.result
    artifacts = [
        LinkedArtifact(
            name=artifact.name,
            kind=artifact.kind,
            media_type=artifact.media_type,
            url=f"/api/v1/results/{row.id}/artifacts/{artifact.name}",
        )
        for artifact in shown.artifacts or drawable(row.document)
    ]
    later = {"result_id": row.id, "role": row.role, "created_at": row.created_at, "artifacts": artifacts}
    return SideView.model_validate(row.document | later)


def _word(word: SignedWord, opened: OpenedChange) -> ReadersWord:
    return ReadersWord(
        review_id=word.review.id,
        verdict=Verdict(word.review.verdict) if word.review.verdict else None,
        result_id=word.review.result_id,
        created_at=word.review.created_at,
        agrees_with_old=word.agrees(opened.old.result.document) if opened.old else None,
        agrees_with_reader=word.agrees(opened.new.result.document),
    )
