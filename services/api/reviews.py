"""Reviews: a reader's word on a result, the words before it, and the coded reasons there are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from pipelines.core.errors import BadReview, NotFound, ReviewConflict, Withheld
from pipelines.core.types import Laterality
from services.api.deps import Clinician, Person, RowId, Technician, TheLooker, TheSettings, TheStore
from services.api.errors import problems
from services.api.pages import Page
from services.api.views import ReviewView, review_view
from services.intake.idempotency import IdempotencyHeader, once
from services.store.states import ReviewAction, Verdict
from services.work.access import open_reviews
from services.work.reasons import REASONS
from services.work.review import MAX_COMMENT, EditedFinding, Word, review

router = APIRouter(tags=["reviews"])

Id = Annotated[str, StringConstraints(max_length=26, pattern=r"^[0-9A-Z]+$")]
Label = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")]
MAX_FINDINGS = 200
#: A question is read anew a few times in a study's life.
MAX_RESULTS = 1000


class FindingEdit(BaseModel):
    """A finding as it should be; what else a finding of the result holds may be sent and is not looked at."""

    label: Label = Field(examples=["dr_grade"])
    value: int | float | Label | None = Field(examples=[3])
    laterality: Laterality | None = Field(default=None, description="R, L or B; null for the patient.")

    def edited(self) -> EditedFinding:
        """As the reader's word carries it."""
        return EditedFinding(self.label, self.value, self.laterality)


class ReviewRequest(BaseModel):
    """What a reader says of a result."""

    action: ReviewAction = Field(examples=["sign"])
    verdict: Verdict | None = Field(default=None, examples=["accept"])
    reason: Label | None = Field(default=None, description="A code from `GET /reasons`; needed to reject.")
    findings: list[FindingEdit] = Field(default=[], max_length=MAX_FINDINGS, description="With the verdict `edit`.")
    comment: Annotated[str, StringConstraints(max_length=MAX_COMMENT, pattern=r"^[^\x00]*$")] | None = None
    base_review_id: Id | None = Field(
        default=None, description="The newest review you have seen; null where there was none."
    )
    mask_id: Id | None = Field(
        default=None, description="The corrected outline of this result that an `edit` goes with."
    )
    seen_result_ids: list[Id] | None = Field(
        default=None,
        max_length=MAX_RESULTS,
        examples=[["01JD8QK2M3N4P5Q6R7S8T9V0WX"]],
        description="The results of this question that you were shown: a signature leaves open what is proposed and is"
        " not among them. Null: it settles whatever is proposed by then.",
    )


class ReasonView(BaseModel):
    """A coded reason."""

    code: str = Field(examples=["grade_too_low"])
    sentence: str = Field(examples=["The disease is graded too low."])
    verdicts: list[Verdict] = Field(description="The verdicts it goes with.")
    pipelines: list[str] = Field(description="The pipelines whose results it is meant for; empty: any.")


@router.post(
    "/results/{result_id}/reviews",
    status_code=201,
    summary="Draft, sign, undo, amend or adjudicate",
    response_model=ReviewView,
    responses=problems(NotFound, ReviewConflict, BadReview),
)
def add(
    result_id: RowId,
    body: ReviewRequest,
    request: Request,
    actor: Clinician,
    person: Person,
    store: TheStore,
    settings: TheSettings,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """Append a word; a signature is the answer until a reader signs another. An API key signs for its maker."""
    word = Word(
        action=body.action,
        verdict=body.verdict,
        reason=body.reason,
        findings=tuple(one.edited() for one in body.findings),
        comment=body.comment,
        base_review_id=body.base_review_id,
        mask_id=body.mask_id,
        seen_result_ids=body.seen_result_ids,
    )
    grace = settings.undo_grace_seconds

    def write() -> ReviewView:
        return review_view(review(store, actor.id_string, person, result_id, word, grace_seconds=grace), grace)

    return once(store, actor, request, body, idempotency_key, write, status=201)


@router.get("/results/{result_id}/reviews", summary="All reviews, oldest first", responses=problems(NotFound, Withheld))
def history(result_id: RowId, looker: TheLooker, store: TheStore, settings: TheSettings) -> Page[ReviewView]:
    """The reviews of the result's subject and pipeline: those of earlier results of the same question too."""
    words = open_reviews(store, looker, result_id)
    return Page(items=[review_view(word, settings.undo_grace_seconds) for word in words])


@router.get("/reasons", summary="The coded reasons for an edit or a rejection", responses=problems())
def reasons(actor: Technician) -> Page[ReasonView]:
    """In the order a form should offer them."""
    return Page(
        items=[
            ReasonView(
                code=reason.code,
                sentence=reason.sentence,
                verdicts=sorted(reason.verdicts),
                pipelines=sorted(reason.pipelines),
            )
            for reason in REASONS.values()
        ]
    )
