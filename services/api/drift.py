"""A model over time: how readers judged its answers, and how far it has drifted from its first results."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pipelines.core.errors import UnknownModel, Withheld
from services.api.comparison import ShareView
from services.api.deps import NotBlind, TheSettings, TheStore
from services.api.errors import problems
from services.api.models import Name, VersionNumber
from services.settings import Settings
from services.work.drift import LEAST_REFERENCE, LEAST_WEEK, REFERENCE, Drift, Week, WeekIndex, drift_of
from services.work.verdict_weeks import VerdictWeek, verdict_weeks

router = APIRouter(prefix="/models", tags=["models"])

MOST_WEEKS = 104
Weeks = Annotated[int, Query(ge=1, le=MOST_WEEKS, description="The newest calendar weeks (UTC, from Monday).")]
MeasureName = Literal["category", "value", "confidence", "quality"]


class ReferenceView(BaseModel):
    """The first results of the version on new studies; what later weeks are held against."""

    n: int = Field(examples=[1000])
    wanted: int = Field(description="It is complete with so many.", examples=[REFERENCE])
    least: int = Field(description="With fewer there is no index yet.", examples=[LEAST_REFERENCE])
    since: date | None
    until: date | None


class MeasureView(BaseModel):
    """Something that is watched: the answer's class, its number, the confidence, the image quality."""

    name: MeasureName
    bins: list[str] = Field(examples=[["0", "1", "2", "3", "4", "none"]])
    reference: list[int] = Field(description="Results of the reference in each bin.")


class IndexView(BaseModel):
    """How a week fills the bins of a measure."""

    counts: list[int]
    index: float | None = Field(description="Population stability index to the reference; null: too few results.")
    chance: float | None = Field(description="What chance alone exceeds once in a thousand times.")
    beyond: bool = Field(description="Above the limit and above chance.")


class WeekView(BaseModel):
    """A version's results of a week on new studies."""

    week: date = Field(description="Its Monday.")
    complete: bool
    n: int
    abstained: ShareView
    ungradable: ShareView
    unreliable: ShareView = Field(description="Heat-maps that may not be relied on, of those that there are.")
    means: dict[Literal["value", "confidence", "quality"], float | None]
    measures: dict[MeasureName, IndexView]


class DriftView(BaseModel):
    """How far a version has drifted from its first results."""

    model: str = Field(examples=["fundus_dr_grading"])
    version: str = Field(examples=["1.0.0"])
    pipeline: str = Field(examples=["retinopathy"])
    label: str | None = Field(description="The finding that is counted.", examples=["dr_grade"])
    limit: float = Field(description="OVERREAD_DRIFT_LIMIT.", examples=[0.25])
    weeks_to_alarm: int = Field(description="OVERREAD_DRIFT_WEEKS.", examples=[2])
    least_in_a_week: int = Field(description="A week with fewer results has no index.", examples=[LEAST_WEEK])
    drifting: list[MeasureName] = Field(description="Beyond in as many complete weeks as raise the alarm.")
    reference: ReferenceView
    measures: list[MeasureView]
    weeks: list[WeekView] = Field(description="Oldest first, the present one last.")


class VerdictWeekView(BaseModel):
    """What readers signed of a version's answers in a week."""

    week: date = Field(description="Its Monday.")
    version: str = Field(examples=["1.0.0"])
    accepted: ShareView = Field(description="Of the signed answers; abstentions are left out.")
    edited: int
    rejected: int
    unanswered: int = Field(description="Signed studies to which the version had given no answer.")


class AgreementView(BaseModel):
    """How readers judged a model's answers over time, all readers together."""

    model: str = Field(examples=["fundus_dr_grading"])
    pipeline: str = Field(examples=["retinopathy"])
    weeks: list[date] = Field(description="All weeks that were looked at, oldest first.")
    by_week: list[VerdictWeekView] = Field(description="Weeks and versions with signatures, oldest first.")


@router.get("/{name}/drift", summary="How far a version has drifted", responses=problems(UnknownModel, Withheld))
def drift(
    name: Name,
    actor: NotBlind,
    store: TheStore,
    settings: TheSettings,
    version: Annotated[VersionNumber | None, Query(description="None: the one in use.", examples=["1.0.0"])] = None,
    weeks: Weeks = 26,
) -> DriftView:
    """Its weeks on new studies against its first results: what it is given, and what it says (docs/models.md)."""
    return drift_view(drift_of(store, name, version, weeks), settings)


@router.get("/{name}/agreement", summary="How readers judged its answers", responses=problems(UnknownModel, Withheld))
def agreement(name: Name, actor: NotBlind, store: TheStore, weeks: Weeks = 26) -> AgreementView:
    """Signatures that count, by week and version; no reader is named."""
    told = verdict_weeks(store, name, weeks)
    return AgreementView(
        model=told.model,
        pipeline=told.pipeline,
        weeks=list(told.mondays),
        by_week=[_verdict_view(week) for week in told.weeks],
    )


def drift_view(told: Drift, settings: Settings) -> DriftView:
    """A version's drift as JSON."""
    return DriftView.model_validate(
        {
            "model": told.model,
            "version": told.version,
            "pipeline": told.pipeline,
            "label": told.label,
            "limit": settings.drift_limit,
            "weeks_to_alarm": settings.drift_weeks,
            "least_in_a_week": LEAST_WEEK,
            "drifting": list(told.beyond(settings.drift_limit, settings.drift_weeks)),
            "reference": {
                "n": told.reference,
                "wanted": REFERENCE,
                "least": LEAST_REFERENCE,
                "since": told.since,
                "until": told.until,
            },
            "measures": [
                {"name": one.name, "bins": list(one.bins), "reference": list(one.reference)} for one in told.measures
            ],
            "weeks": [_week(week, settings.drift_limit) for week in told.weeks],
        }
    )


def _week(week: Week, limit: float) -> dict[str, object]:
    return {
        "week": week.monday,
        "complete": week.complete,
        "n": week.n,
        "abstained": week.abstained.as_json(),
        "ungradable": week.ungradable.as_json(),
        "unreliable": week.unreliable.as_json(),
        "means": dict(week.means),
        "measures": {name: _index(one, limit) for name, one in week.measures.items()},
    }


def _index(one: WeekIndex, limit: float) -> dict[str, object]:
    return {"counts": list(one.counts), "index": one.index, "chance": one.chance, "beyond": one.beyond(limit)}


def _verdict_view(week: VerdictWeek) -> VerdictWeekView:
    return VerdictWeekView(
        week=week.monday,
        version=week.version,
        accepted=ShareView.model_validate(week.accepted.as_json()),
        edited=week.edited,
        rejected=week.rejected,
        unanswered=week.unanswered,
    )
