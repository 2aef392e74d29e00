"""What a sender may ask for beside the files, in the query or as form fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from pipelines.core.errors import BadInput
from pipelines.core.types import Laterality
from pipelines.registry import INTERNAL
from services.store.states import Priority
from services.work.wishes import Completion, Wishes

PATIENT_ID_CHARACTERS: Final = 64  # PS3.5 section 6.2, VR LO
UID_CHARACTERS: Final = 64  # PS3.5 section 9
PIPELINE_CHARACTERS: Final = 64
MOST_IMAGES: Final = 2**31 - 1  # PS3.5 section 6.2, VR IS
MOST_LATERALITIES: Final = 100_000
#: No backslash, no control character; nor what a decoder puts for bytes that are no UTF-8, or two patients of different
#: such bytes would be one.
PATIENT_ID_FORM: Final = r"^[^\\\x00-\x1f\x7f\ufffd]*$"
#: More characters than any moment has.
MOMENT_CHARACTERS: Final = 64
#: Parameters of which there may be one for each file.
LISTS: Final = frozenset({"laterality", "acquired"})

Moment = Annotated[str, StringConstraints(max_length=MOMENT_CHARACTERS)]


class PriorityName(StrEnum):
    """How urgent the work is."""

    STAT = "stat"  #: somebody is waiting
    ROUTINE = "routine"  #: today's work
    BATCH = "batch"  #: when nothing else waits


def in_words(fault: Mapping[str, Any]) -> str:
    """What is wrong with a field, in a sentence without a pattern and without what was sent (Any: pydantic's own)."""
    if fault["type"] == "string_pattern_mismatch":
        return "It has characters, or a form, that this field does not take"
    # "Value error, ..." repeats the validator's own sentence, which is ours; other messages are pydantic's fixed ones.
    return str(fault["msg"]).removeprefix("Value error, ")


def _nothing_if_empty(value: object) -> object:
    return None if value == "" else value


def _split(value: object) -> object:
    """`R,L` and `R` `L` are the same, of sides as of moments: no moment has a comma."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Sequence):
        return value
    return [part.strip() for one in values for part in str(one).split(",") if part.strip()]


def _split_sides(value: object) -> object:
    """Letters in any case."""
    parts = _split(value)
    return [str(side).upper() for side in parts] if isinstance(parts, list) else parts


class Asked(BaseModel):
    """The parameters of a submission; each may be sent in the query or as a form field, before or after the files."""

    model_config = ConfigDict(extra="ignore")

    priority: PriorityName = Field(default=PriorityName.ROUTINE, description="How urgent the work is.")
    pipeline: Annotated[
        Annotated[str, StringConstraints(max_length=PIPELINE_CHARACTERS)] | None, BeforeValidator(_nothing_if_empty)
    ] = Field(default=None, description="Only this pipeline reads the studies.", examples=["retinopathy"])
    complete: Completion = Field(
        default=Completion.AUTO,
        description="`auto`: photographs, volumes, raw data and archives close their studies with the request, single "
        "DICOM files after the quiet time. `yes`: with the request. `no`: when `complete` is called.",
    )
    patient_id: Annotated[
        Annotated[str, StringConstraints(max_length=PATIENT_ID_CHARACTERS, pattern=PATIENT_ID_FORM)] | None,
        BeforeValidator(_nothing_if_empty),
    ] = Field(
        default=None, description="Whose photographs, NIfTI or raw data these are; DICOM files say it themselves."
    )
    study_uid: Annotated[
        Annotated[str, StringConstraints(max_length=UID_CHARACTERS, pattern=r"^[0-9]+(\.[0-9]+)+$")] | None,
        BeforeValidator(_nothing_if_empty),
    ] = Field(
        default=None,
        description="Study Instance UID for photographs, NIfTI and raw data; otherwise the file's own, or one derived.",
    )
    expected: Annotated[Annotated[int, Field(ge=1, le=MOST_IMAGES)] | None, BeforeValidator(_nothing_if_empty)] = Field(
        default=None,
        description="Images that each study of this request will hold in all, with those sent by other requests. A "
        "study with fewer waits longer for them and is marked incomplete.",
    )
    laterality: Annotated[list[Laterality], BeforeValidator(_split_sides)] = Field(
        default_factory=list,
        max_length=MOST_LATERALITIES,
        description="Eye of the photographs: `R`, `L` or `B`, once for all or one for each file in order. Else it is "
        "read from the file names.",
    )
    acquired: Annotated[list[Moment], BeforeValidator(_split)] = Field(
        default_factory=list,
        max_length=MOST_LATERALITIES,
        description="When the photographs were taken, by the clock of that place: an ISO 8601 day, or day and time, "
        "once for all or one for each file in order. Else their camera's own date is taken, where it can be.",
        examples=[["2026-01-31T14:30"]],
    )

    def wishes(self, pipelines: Collection[str]) -> Wishes:
        """As the work understands it, with the names of the pipelines; raises BadInput (`unknown_pipeline`)."""
        if self.pipeline is not None and self.pipeline not in pipelines:
            names = ", ".join(sorted(set(pipelines) - INTERNAL))
            raise BadInput(f"there is no pipeline of this name; there are: {names}", code="unknown_pipeline")
        return Wishes(
            priority=Priority[self.priority.name],
            pipeline=self.pipeline,
            completion=self.complete,
            patient_id=self.patient_id,
            study_uid=self.study_uid,
            lateralities=tuple(self.laterality),
            acquired=tuple(self.acquired),
            expected=self.expected,
        )

    def with_fields(self, fields: Mapping[str, Sequence[str]]) -> Asked:
        """These parameters with form fields over them; raises BadInput (`invalid_request`) naming the field."""
        told: dict[str, Any] = {  # Any: not yet validated
            name: list(values) if name in LISTS else values[-1]
            for name, values in fields.items()
            if name in Asked.model_fields
        }
        try:
            return Asked.model_validate(self.model_dump() | told)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise BadInput(f"field {first['loc'][0]}: {in_words(first)}", code="invalid_request") from None
