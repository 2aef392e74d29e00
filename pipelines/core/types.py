"""Frozen values that travel between files, pipelines and services; arrays stay in pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Urgency(StrEnum):
    """How soon a clinician should look, most urgent first."""

    STAT = "stat"  #: sight-threatening: read now
    URGENT = "urgent"  #: referable disease: read today
    CHECK = "check"  #: the machine cannot say: a person has to look
    ROUTINE = "routine"  #: nothing that cannot wait


class Laterality(StrEnum):
    """Side of the body, as DICOM Image Laterality (0020,0062) writes it."""

    RIGHT = "R"
    LEFT = "L"
    BOTH = "B"


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept: scheme (SCT, DCM, 99OVR), value, meaning. Source: PS3.3 8.8."""

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class InstanceFile:
    """One file on local disk as a pipeline receives it; `sha256` is of the file's bytes.

    `patient_id` is what a sender stated beside a file that is no DICOM; None where the file says it itself.
    """

    path: Path
    sha256: str
    sop_instance_uid: str
    sop_class_uid: str
    modality: str
    series_instance_uid: str
    study_instance_uid: str
    laterality: Laterality | None = None
    instance_number: int | None = None
    patient_id: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What one job reads: the instances of a study or of a series, ordered by SOP Instance UID."""

    kind: str
    instances: tuple[InstanceFile, ...]


@dataclass(frozen=True, slots=True)
class Quality:
    """Whether an image can be graded; score in 0-1, `reasons` are stable words: blur, dark, bright, no_retina."""

    gradable: bool
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a heat-map was made and whether it may be trusted; `trust` holds named figures in 0-1."""

    method: str
    layer: str
    target: str
    trust: Mapping[str, float] = field(default_factory=dict)
    reliable: bool = True
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Familiarity:
    """How unlike the model's training images an image is: unfamiliar where `score` is above `limit`.

    `score` is the greatest of `parts`, each a distance over what one in a hundred images of the same source lies
    beyond: `content` of what the network sees, `rendition` of colours, light and frame. `camera` is the Manufacturer's
    Model Name (0008,1090) as the file states it, `camera_known` whether the model was trained on that camera; None
    where the file names none.
    """

    score: float
    limit: float
    familiar: bool
    parts: Mapping[str, float] = field(default_factory=dict)
    camera: str | None = None
    camera_known: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement about the patient: a coded label with value, unit and, for classes, calibrated probabilities."""

    code: Code
    label: str
    value: float | int | str | None
    unit: str | None = None
    probabilities: Mapping[str, float] | None = None
    interval: tuple[float, float] | None = None
    laterality: Laterality | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file a pipeline made; `name` is unique in a result and has no slash."""

    name: str
    kind: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ImageReading:
    """What was said about one image of the subject."""

    sop_instance_uid: str
    laterality: Laterality | None
    quality: Quality
    abstained: bool
    abstain_reason: str | None
    explanation: Explanation | None
    artifacts: tuple[str, ...]
    familiarity: Familiarity | None = None  #: None where the model does not know what it was trained on


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which weights: name, version and sha256 of the weights file."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a result was made from. Everything but `host`, `memory_step` and `seconds` is part of `digest`.

    `ladder` is what memory made of the reading; `memory_step` is how much of it the reading was given, 0 all there is.
    """

    digest: str
    inputs: tuple[str, ...]
    weights: str
    configuration: str
    code: str
    engine: str
    engine_version: str
    precision: str
    threads: int
    batch_shape: tuple[int, ...]
    device: str
    processor: str
    ladder: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    host: str = ""
    memory_step: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A pipeline's whole answer for one subject."""

    pipeline: str
    model: ModelRef
    findings: tuple[Finding, ...]
    images: tuple[ImageReading, ...]
    quality: Quality
    abstained: bool
    abstain_reason: str | None
    urgency: Urgency
    explanation: Explanation | None
    artifacts: tuple[Artifact, ...]
    seconds: Mapping[str, float]
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class BatchReading:
    """A reading of a batch, and the maps (npy, by file name) that its pictures are drawn of for who looks."""

    reading: Reading
    maps: Mapping[str, bytes]
