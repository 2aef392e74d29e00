"""Two versions of a model on the same images: how far they agree with each other and with readers."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pipelines.core.change import ChangeKind
from pipelines.core.errors import UnknownModel, Withheld
from services.api.deps import NotBlind, TheStore
from services.api.errors import problems
from services.api.models import Name, VersionNumber
from services.store.session import unit_of_work
from services.work.comparison import comparison_of
from services.work.told import ranked_for

router = APIRouter(prefix="/models", tags=["models"])

Side = TypeVar("Side")


class ShareView(BaseModel):
    """How many of `n` are so, with a 95 % interval (Wilson); null where there are none."""

    count: int
    n: int
    value: float | None = Field(examples=[0.94])
    low: float | None = Field(examples=[0.90])
    high: float | None = Field(examples=[0.97])


class VerdictsView(ShareView):
    """How often a version says what readers signed, among the signed studies that it answers."""

    unanswered: int = Field(description="Signed studies to which it gives no answer.")


class GradingView(BaseModel):
    """Grades of one version against those of the other."""

    confusion: list[list[int]] = Field(description="A row a grade of the version in use.", examples=[[[90, 3], [1, 6]]])
    equal: ShareView
    quadratic_kappa: float | None


class DifferenceView(BaseModel):
    """Candidate minus reference: mean, and the limits between which 95 % of the differences lie (Bland and Altman)."""

    n: int
    mean: float | None
    low: float | None
    high: float | None


class RankedView(BaseModel):
    """A study of which the two versions say different things."""

    study_id: str
    kind: ChangeKind
    weight: float
    headline: str = Field(examples=["DR grade 1 -> 2, now referable"])
    reference_result_id: str
    candidate_result_id: str


class Sides(BaseModel, Generic[Side]):
    """One figure of each version."""

    reference: Side
    candidate: Side


class ComparisonView(BaseModel):
    """Two versions of a model on the same images."""

    model: str = Field(examples=["fundus_dr_grading"])
    pipeline: str = Field(examples=["retinopathy"])
    candidate: str = Field(examples=["1.1.0"])
    reference: str = Field(description="The version in use.", examples=["1.0.0"])
    newest: int = Field(description="Only so many of the candidate's newest results are looked at.")
    n: int = Field(description="Pairs: subjects whose very images both have read.")
    agreement: ShareView = Field(description="They say the same, within the error of what they measure.")
    kinds: dict[ChangeKind, int]
    crossings: dict[Literal["up", "down"], int]
    grades: dict[str, GradingView]
    measures: dict[str, DifferenceView]
    abstained: Sides[ShareView]
    clinicians: Sides[VerdictsView]
    seconds: Sides[float | None] = Field(description="What a reading takes, mean.")
    largest: list[RankedView] = Field(description="The gravest differences, gravest first.")


@router.get("/{name}/comparison", summary="Two versions on the same images", responses=problems(UnknownModel, Withheld))
def comparison(
    name: Name,
    actor: NotBlind,
    store: TheStore,
    version: Annotated[
        VersionNumber | None, Query(description="The candidate; none: the newest shadow.", examples=["1.1.0"])
    ] = None,
) -> ComparisonView:
    """Agreement of a version with the one in use, and of each with what readers signed."""
    figures = comparison_of(store, name, version)
    with unit_of_work(store.database, writing=False) as session:
        largest = ranked_for(session, actor.user_id, figures["largest"], "candidate_result_id")
    return ComparisonView.model_validate(figures | {"largest": largest})
