"""Slots: the questions of a study, what is withheld of them, and a reader's word before the machine's is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from pipelines.core.errors import BadReview, Conflict, NotFound
from pipelines.core.labels import Choice, Grades, Label, Measure
from pipelines.core.types import Laterality
from services.api.deps import Clinician, Person, RowId, TheStore
from services.api.errors import problems
from services.api.reviews import MAX_FINDINGS, FindingEdit
from services.api.views import ArtifactView, EditedFindingView
from services.intake.idempotency import IdempotencyHeader, once
from services.store.disagreement import ShadowChange
from services.store.states import ReviewState
from services.store.tables import BlindRead
from services.work.asks import Ask
from services.work.blind import BlindWord, read_blind
from services.work.slots import Demand, OpenedSlot

router = APIRouter(prefix="/slots", tags=["reviews"])

LONGEST_COMMENT: Final = 1024
#: Nobody looks at one study for longer than a day.
LONGEST_SECONDS: Final = 86_400


class ChoiceView(BaseModel):
    """A value that a finding may have."""

    value: int | str = Field(examples=[2])
    name: str = Field(examples=["Moderate non-proliferative diabetic retinopathy"])


class AskView(BaseModel):
    """A finding that a blind reader is asked for; it says nothing of what the machine found."""

    label: str = Field(examples=["dr_grade"])
    name: str = Field(examples=["Retinopathy due to diabetes mellitus"])
    laterality: Laterality | None
    kind: Literal["choice", "number"]
    choices: list[ChoiceView]
    lowest: float | None = None
    highest: float | None = None
    unit: str | None = Field(default=None, examples=["ml"])
    needed: bool = Field(description="A grade or class; without it the images must be said to be ungradable.")


class SecondReadView(BaseModel):
    """A rule asks for a second reader."""

    reason: str | None = Field(description="Why; null while it is withheld.", examples=["share"])
    blinded: bool = Field(description="The second reader sees neither the machine's answer nor the first reader's.")
    first_reader_id: str | None = Field(description="Who signed first; null while it is withheld.")


class ShadowView(BaseModel):
    """What a model that is only on trial says otherwise."""

    model_version: str = Field(examples=["1.1.0"])
    headline: str = Field(examples=["DR grade 1 -> 2, now referable"])


class PictureView(ArtifactView):
    """A file that is the picture itself and may be opened while the answer is withheld."""

    result_id: str


class BlindReadView(BaseModel):
    """A blind word; it is never changed, and from then on nothing of the slot is withheld from its reader."""

    id: str
    slot_id: str
    result_id: str = Field(description="The machine's answer at that time.")
    findings: list[EditedFindingView]
    ungradable: bool
    comment: str | None
    seconds: float | None
    created_at: datetime


class SlotView(BaseModel):
    """One question: this pipeline on this subject, and whether its answer is withheld from who asks."""

    id: str
    pipeline: str = Field(examples=["retinopathy"])
    subject_kind: str = Field(examples=["study"])
    subject_id: str
    withheld: bool = Field(description="You read it blind: results, reviews and changes are left out until your word.")
    answered: bool = Field(description="Whether a machine has read it; before, there is nothing to say blind.")
    review_state: ReviewState = Field(description="As far as who asks may know.")
    second_read: SecondReadView | None
    shadow_disagreement: ShadowView | None = Field(description="Null where no shadow differs, and while withheld.")
    pictures: list[PictureView] = Field(description="While withheld: what may be opened of the answer.")
    asks: list[AskView] = Field(description="While withheld: what `POST /slots/{slot_id}/blind-read` should say.")
    blind_read: BlindReadView | None = Field(description="What you have said blind.")
    seen_before: bool = Field(
        description="The answer was shown to you before you read it blind: your word is kept and counts in no figure."
    )


class BlindReadRequest(BaseModel):
    """What you see in the images, before the machine's answer is shown."""

    findings: list[FindingEdit] = Field(default=[], max_length=MAX_FINDINGS)
    ungradable: bool = Field(default=False, description="Nothing can be said of these images.")
    comment: Annotated[str, StringConstraints(max_length=LONGEST_COMMENT, pattern=r"^[^\x00]*$")] | None = None
    seconds: float | None = Field(
        default=None, ge=0, le=LONGEST_SECONDS, allow_inf_nan=False, description="From the pictures to your word."
    )


@router.post(
    "/{slot_id}/blind-read",
    status_code=201,
    summary="Say what you see before the machine's answer is shown",
    response_model=BlindReadView,
    responses=problems(NotFound, Conflict, BadReview),
)
def say(
    slot_id: RowId,
    body: BlindReadRequest,
    request: Request,
    actor: Clinician,
    person: Person,
    store: TheStore,
    idempotency_key: IdempotencyHeader = None,
) -> Response:
    """Once a reader and slot; then the machine's answer is shown, and the reader accepts, edits or rejects it."""
    word = BlindWord(
        findings=tuple(one.edited() for one in body.findings),
        ungradable=body.ungradable,
        comment=body.comment,
        seconds=body.seconds,
    )

    def write() -> BlindReadView:
        return blind_read_view(read_blind(store, actor.id_string, person, slot_id, word))

    return once(store, actor, request, body, idempotency_key, write, status=201)


def blind_read_view(row: BlindRead) -> BlindReadView:
    """A blind word's row as JSON."""
    return BlindReadView(
        id=row.id,
        slot_id=row.slot_id,
        result_id=row.result_id,
        findings=[EditedFindingView.model_validate(finding) for finding in row.findings],
        ungradable=row.ungradable,
        comment=row.comment,
        seconds=row.seconds,
        created_at=row.created_at,
    )


def slot_view(opened: OpenedSlot) -> SlotView:
    """A question as JSON."""
    slot = opened.slot
    return SlotView(
        id=slot.id,
        pipeline=slot.pipeline,
        subject_kind=slot.subject_kind,
        subject_id=slot.subject_id,
        withheld=opened.withheld,
        answered=opened.answered,
        review_state=opened.review_state,
        second_read=_second_read(opened.second_read) if opened.second_read else None,
        shadow_disagreement=_shadow(opened.shadow) if opened.shadow else None,
        pictures=[
            PictureView(
                result_id=one.result_id,
                name=one.name,
                kind=one.kind,
                media_type=one.media_type,
                bytes=one.bytes,
                sha256=one.blob_sha256,
            )
            for one in opened.pictures
        ],
        asks=[_ask(one) for one in opened.asks],
        blind_read=blind_read_view(opened.own_word) if opened.own_word else None,
        seen_before=opened.seen_before,
    )


def _second_read(demand: Demand) -> SecondReadView:
    return SecondReadView(reason=demand.reason, blinded=demand.blinded, first_reader_id=demand.first_reader_id)


def _shadow(change: ShadowChange) -> ShadowView:
    return ShadowView(model_version=change.model_version, headline=change.headline)


def _ask(ask: Ask) -> AskView:
    values = ask.values
    return AskView(
        label=ask.label,
        name=values.code.meaning,
        laterality=Laterality(ask.laterality) if ask.laterality else None,
        kind="choice" if ask.needs_word else "number",
        choices=_choices(values),
        lowest=values.lowest if isinstance(values, Measure) else None,
        highest=values.highest if isinstance(values, Measure) else None,
        unit=values.unit if isinstance(values, Measure) else None,
        needed=ask.needs_word,
    )


def _choices(values: Label) -> list[ChoiceView]:
    if isinstance(values, Grades):
        return [ChoiceView(value=value, name=name) for value, name in sorted(values.names.items())]
    if isinstance(values, Choice):
        return [ChoiceView(value=name, name=name) for name in sorted(values.names)]
    return []
