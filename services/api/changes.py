"""What a batch changed: each study with both answers side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from pipelines.core.change import ChangeKind
from pipelines.core.errors import BadCursor, Conflict, NotFound, Withheld
from pipelines.core.types import Urgency
from services.api.deps import Clinician, NotBlind, Person, RowId, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, pack, unpack
from services.api.views import ExplanationView, FindingView, ImageView, ModelRefView, ReaderView
from services.intake.access import Actor
from services.intake.idempotency import IdempotencyHeader, once
from services.store.ids import ULID_LENGTH
from services.store.looks import Looked, Mark, Sought, Weighed
from services.store.signed import SignedWord
from services.store.states import JobRole, ReviewState, Verdict
from services.work.changed import ChangesAsked, OpenedChange, Shown, open_changes
from services.work.drawn import drawable
from services.work.looked import Seer, see, unsee

router = APIRouter(prefix="/batches", tags=["batches"])


def _reads_changes(actor: Clinician, unblinded: NotBlind) -> Actor:
    return actor


#: Who may speak of changes: a reader to whom none of them is withheld.
SeesChanges = Annotated[Actor, Depends(_reads_changes)]


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


class SeenView(BaseModel):
    """Who looked at a change first, and when."""

    user: ReaderView
    at: datetime


class LookedView(BaseModel):
    """How far readers are with the changes."""

    changes: int = Field(description="In all, of the kind asked for.", examples=[40])
    seen: int = Field(description="Marked as seen by a reader.", examples=[9])
    left: int = Field(description="Neither marked nor settled by a signature since.", examples=[28])


class SawChange(BaseModel):
    """You have looked at a change."""

    new_result_id: str = Field(
        min_length=1, max_length=ULID_LENGTH, pattern=r"^[0-9A-Z]+$", description="The new answer that you looked at."
    )


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
    seen: SeenView | None = Field(description="Null where no reader has marked it as seen.")
    finished_at: datetime


class ChangesPage(Page[ChangeView]):
    """Changes, and how far readers are with them."""

    looked: LookedView


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
    unseen: Annotated[
        bool, Query(description="Only what no reader has marked as seen, or settled by signing, yet.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ChangesPage:
    """Both answers with their explanations, and what readers have said of them; it leaves a row in the audit."""
    asked = ChangesAsked(Sought(batch_id, kind, unseen), _place(cursor), limit + 1)
    found, looked = open_changes(store, actor.id_string, actor.user_id, asked)
    items = [change_view(opened) for opened in found[:limit]]
    last = items[-1] if len(found) > limit else None
    more = pack(repr(last.weight), last.id) if last else None
    return ChangesPage(items=items, next_cursor=more, looked=looked_view(looked))


@router.post(
    "/{batch_id}/changes/{change_id}/seen",
    summary="Say that you looked at a change",
    response_model=SeenView,
    responses=problems(NotFound, Conflict, Withheld),
)
def see_change(
    batch_id: RowId,
    change_id: RowId,
    body: SawChange,
    request: Request,
    actor: SeesChanges,
    person: Person,
    store: TheStore,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """For all readers of the batch; it signs nothing. Where a reader has said so before, that one's mark stays.

    409 `read_again` where the study was read again since.
    """

    def act() -> SeenView:
        return _mark(see(store, Seer(actor.id_string, person), batch_id, change_id, body.new_result_id))

    return once(store, actor, request, body, idempotency_key, act)


@router.delete(
    "/{batch_id}/changes/{change_id}/seen",
    status_code=204,
    summary="Take back that you looked at a change",
    responses=problems(NotFound, Conflict, Withheld),
)
def unsee_change(batch_id: RowId, change_id: RowId, actor: SeesChanges, person: Person, store: TheStore) -> Response:
    """Your own mark alone; 409 `seen_by_another` where it is another reader's."""
    unsee(store, Seer(actor.id_string, person), batch_id, change_id)
    return Response(status_code=204)


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
            "seen": _mark(opened.mark) if opened.mark else None,
            "finished_at": item.finished_at,
        }
    )


def looked_view(looked: Looked) -> LookedView:
    """Counts as JSON."""
    return LookedView(changes=looked.changes, seen=looked.seen, left=looked.left)


def _mark(mark: Mark) -> SeenView:
    return SeenView(user=ReaderView(id=mark.user.id, name=mark.user.name), at=mark.at)


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
