"""Who and what a photograph shows, and the UIDs of the DICOM object made of it; wrapping itself is in wrap.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.core.receipt import derived_uid
from pipelines.core.types import Laterality
from pipelines.imaging.taken import Taken


@dataclass(frozen=True, slots=True)
class PhotographIdentity:
    """What is known of a photograph beside its pixels.

    `laterality` None is for local reading only (`run`, `evaluate`): Image Laterality is Type 1, PS3.3 C.8.17.5, so such
    an object does not conform and is never stored. `acquired` is when it was taken, by local time; `by_camera`: no
    sender said so, but the camera's own clock. `study_taken` is that of the whole visit: a study has one date.
    `received` is when this photograph first arrived (Content Date is Type 1 and needs a date); to get the same bytes on
    a second arrival, pass the first one's, or look for `instance_uid` before wrapping.
    """

    patient_id: str
    study_instance_uid: str
    laterality: Laterality | None
    issuer: str | None = None
    instance_number: int = 1
    acquired: Taken | None = None
    by_camera: bool = False
    study_taken: Taken | None = None
    received: datetime | None = None


@dataclass(frozen=True, slots=True)
class WrappedPhotograph:
    """The DICOM object made of a photograph, as its header says; `source_sha256` is of the photograph's bytes."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    study_instance_uid: str
    transfer_syntax: str
    rows: int
    columns: int
    source_sha256: str


def series_uid(identity: PhotographIdentity) -> str:
    """The one series that holds all photographs sent to a study, both eyes."""
    return derived_uid("photograph series", identity.issuer or "", identity.patient_id, identity.study_instance_uid)


def instance_uid(source_sha256: str, identity: PhotographIdentity) -> str:
    """The SOP Instance UID: the same bytes for the same patient, study and eye are the same instance."""
    side = identity.laterality or ""
    return derived_uid(
        "photograph", source_sha256, identity.issuer or "", identity.patient_id, identity.study_instance_uid, side
    )
