"""What a sender asks for, once for a whole request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipelines.core.types import Laterality
from services.store.states import Priority


class Completion(StrEnum):
    """When the studies of a request close."""

    AUTO = "auto"  #: photographs and archives with the request, single DICOM files after the quiet time
    YES = "yes"  #: with the request
    NO = "no"  #: when `complete` is called


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sender asked for, once for the whole request."""

    priority: Priority = Priority.ROUTINE
    pipeline: str | None = None
    completion: Completion = Completion.AUTO
    patient_id: str | None = None
    study_uid: str | None = None
    lateralities: tuple[Laterality, ...] = ()
    acquired: tuple[str, ...] = ()  # ISO 8601, as it was sent: it is the photographs that a wrong one refuses
    expected: int | None = None  # images that each study of the request will hold in all
