"""How blind readers agree with the machine and how often it changes their mind: oneself, and all together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.api.comparison import ShareView
from services.api.deps import Clinician, Person, TheStore
from services.api.errors import problems
from services.work.agreement import LEAST_READERS, MOST_READ, Bias, agreement_of, agreement_of_all

router = APIRouter(tags=["reviews"])

#: One's own figures are told however few they are.
_OWN: Final = 0


class BiasView(BaseModel):
    """Figures of the blind reads of one pipeline, each a share with a 95 % interval (Wilson)."""

    agreed_before: ShareView = Field(description="Blind words that said what the machine said.")
    agreed_after: ShareView = Field(description="Signatures, after the machine was shown, that say what it said.")
    changed_to_machine: ShareView = Field(description="Of those that differed before: signed as the machine said.")
    changed_from_machine: ShareView = Field(description="Of those that agreed before: signed otherwise.")
    change_was_right: ShareView = Field(
        description="Of the changes to the machine that another reader decided on later: so decided."
    )


class PipelineAgreement(BaseModel):
    """Blind reads of one pipeline."""

    pipeline: str = Field(examples=["retinopathy"])
    readers: int = Field(description="With a read that counts.")
    reads: int = Field(description="Blind reads that were looked at.")
    seen_before: int = Field(description="Of these: the reader had been shown the answer before; in no figure.")
    compared: int = Field(description="Of the others: both the machine and the reader gave an answer.")
    figures: BiasView | None = Field(description="Null where too few readers have read for all together to be shown.")


class AgreementOfReaders(BaseModel):
    """Agreement with the machine by pipeline."""

    newest: int = Field(description="Only so many of the newest blind reads are looked at.", examples=[MOST_READ])
    least_readers: int = Field(description="Figures are told of so many readers at least.", examples=[LEAST_READERS])
    pipelines: list[PipelineAgreement]


@router.get("/me/agreement", summary="How I agree with the machine", responses=problems())
def my_agreement(person: Person, store: TheStore) -> AgreementOfReaders:
    """Of one's own blind reads; nobody else can ask for them."""
    return _view(agreement_of(store, person), _OWN)


@router.get("/agreement", summary="How blind readers agree with the machine", responses=problems())
def agreement_of_readers(actor: Clinician, store: TheStore) -> AgreementOfReaders:
    """All readers together, none by name; nothing where fewer than three have read blind."""
    return _view(agreement_of_all(store, actor.user_id), LEAST_READERS)


def _view(found: Mapping[str, Bias], least: int) -> AgreementOfReaders:
    return AgreementOfReaders(
        newest=MOST_READ,
        least_readers=least,
        pipelines=[_pipeline(name, bias, least) for name, bias in found.items()],
    )


def _pipeline(name: str, bias: Bias, least: int) -> PipelineAgreement:
    shares = {figure: share.as_json() for figure, share in bias.shares().items()}
    return PipelineAgreement(
        pipeline=name,
        readers=len(bias.readers),
        reads=bias.reads,
        seen_before=bias.seen_before,
        compared=bias.compared,
        figures=BiasView.model_validate(shares) if len(bias.readers) >= least else None,
    )
