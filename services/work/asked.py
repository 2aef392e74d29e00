"""What a batch is asked for: the JSON of the API, of the command line and of the batch's row."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.archive.asked import ArchiveAsked, FolderAsked
from services.store.states import ReviewState
from services.store.stored_query import FindingRange, StoredQuery

Line = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00]*$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
LocalTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class StoredAsked(_Asked):
    """The studies that are stored already."""

    kind: Literal["stored"] = "stored"


class FindingAsked(_Asked):
    """A finding of the current answer by its label, and its values, both ends included."""

    label: Word = Field(examples=["dr_grade"])
    least: float | None = Field(default=None, alias="min", allow_inf_nan=False, examples=[1])
    most: float | None = Field(default=None, alias="max", allow_inf_nan=False, examples=[4])


class QueryAsked(_Asked):
    """Which of the stored studies; what is left out lets all pass. Days are the study's own, both ends included."""

    read_by: Word | None = Field(
        default=None, description="The version of the model that gave the current answer.", examples=["1.0.0"]
    )
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")
    finding: FindingAsked | None = None
    review_state: ReviewState | None = None
    abstained: bool | None = None

    @model_validator(mode="after")
    def _in_order(self) -> QueryAsked:
        if self.first and self.last and self.first > self.last:
            raise ValueError("from is after to")
        return self

    @property
    def query(self) -> StoredQuery:
        """As the store takes it."""
        finding = self.finding
        return StoredQuery(
            read_by=self.read_by,
            first_day=self.first,
            last_day=self.last,
            finding=FindingRange(finding.label, finding.least, finding.most) if finding else None,
            review_state=self.review_state,
            abstained=self.abstained,
        )


class WindowAsked(_Asked):
    """Local times between which a batch may run, over midnight where `to` is the smaller one."""

    opens: LocalTime = Field(alias="from", examples=["22:00"])
    closes: LocalTime = Field(alias="to", examples=["06:00"])
    zone: Word = Field(description="An IANA time zone.", examples=["Europe/Berlin"])


class BudgetAsked(_Asked):
    """What one night may cost; what is left out has no limit."""

    studies: int | None = Field(default=None, ge=1, le=2**31 - 1, examples=[2000])
    hours: float | None = Field(
        default=None, gt=0, le=1e6, description="Hours of reading, summed over all workers.", examples=[6]
    )


class BatchAsked(_Asked):
    """An archive to read again: with what, from where, which studies, and when."""

    name: Line = Field(examples=["Re-read with 1.1.0"])
    pipeline: Word = Field(examples=["retinopathy"])
    model_version: Word | None = Field(
        default=None, description="The model version that reads; null: the active one.", examples=["1.1.0"]
    )
    source: Annotated[StoredAsked | FolderAsked | ArchiveAsked, Field(discriminator="kind")] = StoredAsked()
    query: QueryAsked = QueryAsked()
    window: WindowAsked | None = None
    budget: BudgetAsked | None = None

    @model_validator(mode="after")
    def _one_query(self) -> BatchAsked:
        if self.source.kind != "stored" and self.query != QueryAsked():
            raise ValueError("`query` asks for stored studies; what an archive is asked stands in `source`")
        return self
