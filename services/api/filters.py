"""What a reader asks the worklist for, in the address of a list or kept as a view."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipelines.core.change import ChangeKind
from pipelines.core.errors import BadRequest, WithheldFilter
from pipelines.core.types import Urgency
from services.intake.access import Actor
from services.store.ids import ULID_LENGTH
from services.store.states import Disagreement, JobState, ReviewState, StudyState
from services.store.worklist_pages import WorklistFilters

FilterWord = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")]
FilterId = Annotated[str, StringConstraints(max_length=ULID_LENGTH, pattern=r"^[0-9A-Z]+$")]
#: A union of words and ids would be refused with the words alone.
Assignee = Annotated[str, StringConstraints(max_length=ULID_LENGTH, pattern=r"^(me|none|[0-9A-Z]+)$")]

#: Whose reading it is, where no user's id says it.
ME: Final = "me"
NOBODY: Final = "none"
#: Whatever no signature has settled.
OPEN: Final = "open"
#: Review states that a blind reader may choose: that others have begun or differ is what others said.
NOT_TELLING: Final = frozenset({None, OPEN, ReviewState.SIGNED})
#: Review states that ask what this reader may do: who has signed is no second reader, and decides between no two.
FOR_THIS_READER: Final = frozenset({OPEN, ReviewState.SECOND_READ, ReviewState.ADJUDICATION})


class ListFilters(BaseModel):
    """What the list is to show; without any, everything."""

    state: StudyState | None = Field(default=None, description="Of the study.")
    job_state: JobState | None = None
    modality: FilterWord | None = Field(default=None, examples=["OP"])
    pipeline: FilterWord | None = Field(default=None, examples=["retinopathy"])
    urgency: Urgency | None = None
    abstained: bool | None = None
    gradable: bool | None = Field(default=None, description="False: the machine says that the images cannot be graded.")
    review_state: ReviewState | Literal["open"] | None = Field(
        default=None,
        description="`open`: whatever no signature has settled. What you signed, and another has to read or to decide"
        " on, is in none of `open`, `second_read` and `adjudication`.",
    )
    disagreement: Disagreement | Literal["any"] | None = Field(default=None, description="Who says otherwise.")
    assignee: Assignee | None = Field(
        default=None, description="A user's id, `me`, or `none` for what nobody has taken.", examples=["me"]
    )
    site: FilterId | None = Field(
        default=None, description="A site's id; without it all sites.", examples=["00000000000000000000000001"]
    )
    first_day: date | None = Field(default=None, description="Study date, this day or later.")
    last_day: date | None = Field(default=None, description="Study date, this day or earlier.")
    change: ChangeKind | Literal["any"] | None = Field(default=None, description="Marked by a reading overnight.")


class KeptFilters(ListFilters):
    """Filters that are stored: a name that nobody knows would hide rows without a sign."""

    model_config = ConfigDict(extra="forbid")


def tells(wanted: ListFilters) -> bool:
    """Whether the rows that pass tell what a machine or another reader said of them."""
    said = (wanted.urgency, wanted.abstained, wanted.gradable, wanted.disagreement, wanted.change)
    return any(one is not None for one in said) or wanted.review_state not in NOT_TELLING


def stored_filters(wanted: ListFilters, actor: Actor) -> WorklistFilters:
    """The filters as the store asks them for this reader.

    Raises BadRequest where "me" is no person, WithheldFilter where the reader reads blind first and they would tell.
    """
    if actor.blind_first and tells(wanted):
        raise WithheldFilter
    if wanted.assignee == ME and actor.user_id is None:
        raise BadRequest("this API key belongs to no person, so nothing is assigned to it", code="no_person")
    named = wanted.assignee if wanted.assignee not in {ME, NOBODY} else None
    return WorklistFilters(
        study_state=wanted.state,
        open=wanted.review_state == OPEN,
        job_state=wanted.job_state,
        modality=wanted.modality,
        pipeline=wanted.pipeline,
        urgency=wanted.urgency,
        abstained=wanted.abstained,
        gradable=wanted.gradable,
        disagreements=_one_or_any(wanted.disagreement, tuple(Disagreement)),
        review_state=None if wanted.review_state == OPEN else wanted.review_state,
        assignee_id=actor.user_id if wanted.assignee == ME else named,
        unassigned=wanted.assignee == NOBODY,
        first_day=wanted.first_day,
        last_day=wanted.last_day,
        changes=_one_or_any(wanted.change, tuple(ChangeKind)),
        not_signed_by=actor.user_id if wanted.review_state in FOR_THIS_READER else None,
        by_age=actor.blind_first,
    )


def _one_or_any(wanted: str | None, every: tuple[str, ...]) -> tuple[str, ...] | None:
    """The words that a filter lets pass; None: it is not set."""
    if wanted is None:
        return None
    return every if wanted == "any" else (wanted,)
