"""What the machine said of the synthetic studies: whole result documents, as the pipelines write them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.core import codes
from pipelines.core.types import (
    Artifact,
    Explanation,
    Finding,
    ImageReading,
    Laterality,
    ModelRef,
    Quality,
    Reading,
    Receipt,
    Urgency,
)
from pipelines.exporters.json import reading_json
from services.store.reading import confidence_of, headline_of, is_gradable

#: Stands in a template for the UID of the study, to which instances add their number.
UID_MARK: Final = "@uid@"
MODELS: Final = {
    "retinopathy": "fundus_dr_grading",
    "segmentation": "hippocampus_segmentation",
    "reconstruction": "brain_mri_reconstruction",
}
#: The version that read the older half of the archive, and the one of today.
VERSIONS: Final = ("0.9.0", "1.0.0")
GRADE_PROBABILITY: Final = 0.81
REFERABLE_GRADE: Final = 2  # Gulshan et al., JAMA 2016, doi:10.1001/jama.2016.17216
_GRAD_CAM: Final = Explanation(
    "grad-cam",
    "members: last convolution, batch norm and ReLU6, concatenated",
    "the chief finding",
    {"inside_retina": 0.9795, "concentration": 0.4583, "support": 0.9799, "agreement": 0.623},
    note="the map shows what speaks for the finding; the absence of disease has no place of its own",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One document with the columns of a result that are read from it."""

    number: int
    pipeline: str
    version: str
    outcome: str  # grade 0-4, "answered" or "abstained"
    document: str
    headline: str | None
    confidence: float | None
    urgency: str
    abstained: bool
    gradable: bool


def answers() -> list[Answer]:
    """Each outcome of each pipeline in each version, numbered from 1."""
    return [_answer(number, *each) for number, each in enumerate(_readings(), start=1)]


def _answer(number: int, version: str, outcome: str, reading: Reading) -> Answer:
    document = reading_json(reading)
    return Answer(
        number=number,
        pipeline=reading.pipeline,
        version=version,
        outcome=outcome,
        document=json.dumps(document),
        headline=headline_of(document),
        confidence=confidence_of(document),
        urgency=reading.urgency.value,
        abstained=reading.abstained,
        gradable=is_gradable(document),
    )


def _readings() -> Iterator[tuple[str, str, Reading]]:
    for version in VERSIONS:
        for grade in codes.ICDR_GRADES:
            yield version, str(grade), _reading("retinopathy", version, _retinopathy(grade), _urgency(grade))
        for pipeline, findings in (
            ("retinopathy", _retinopathy(1)),
            ("segmentation", _volumes()),
            ("reconstruction", _acceleration()),
        ):
            yield version, "abstained", _reading(pipeline, version, findings, Urgency.CHECK)
            if pipeline != "retinopathy":
                yield version, "answered", _reading(pipeline, version, findings, Urgency.ROUTINE)


def _urgency(grade: int) -> Urgency:
    return (Urgency.ROUTINE, Urgency.ROUTINE, Urgency.URGENT, Urgency.STAT, Urgency.STAT)[grade]


def _retinopathy(grade: int) -> tuple[Finding, ...]:
    rest = (1 - GRADE_PROBABILITY) / (len(codes.ICDR_GRADES) - 1)
    grades = {str(each): GRADE_PROBABILITY if each == grade else rest for each in codes.ICDR_GRADES}
    referable = sum(share for each, share in grades.items() if int(each) >= REFERABLE_GRADE)
    sides: Sequence[Laterality | None] = (None, Laterality.LEFT, Laterality.RIGHT)
    return tuple(
        finding
        for side in sides
        for finding in (
            Finding(codes.DIABETIC_RETINOPATHY, "dr_grade", grade, None, grades, (max(grade - 1, 0), grade), side),
            Finding(codes.REFERABLE_RETINOPATHY, "referable_dr", referable, laterality=side),
        )
    )


def _volumes() -> tuple[Finding, ...]:
    return tuple(
        Finding(codes.HIPPOCAMPUS, "hippocampus", 3.0245, "ml", None, (2.8506, 3.2012), side)
        for side in (Laterality.LEFT, Laterality.RIGHT)
    )


def _acceleration() -> tuple[Finding, ...]:
    return (Finding(codes.ACCELERATION, "acceleration", 4.0, "1"),)


def _reading(pipeline: str, version: str, findings: tuple[Finding, ...], urgency: Urgency) -> Reading:
    abstained = urgency is Urgency.CHECK
    reason = "low_confidence" if abstained else None
    quality = Quality(not abstained, 0.967)
    weights = digest_of(f"{MODELS[pipeline]} {version}")
    return Reading(
        pipeline=pipeline,
        model=ModelRef(MODELS[pipeline], version, weights),
        findings=findings,
        images=tuple(_image(number, side, quality, abstained, reason) for number, side in enumerate("LR", start=1)),
        quality=quality,
        abstained=abstained,
        abstain_reason=reason,
        urgency=urgency,
        explanation=_GRAD_CAM,
        artifacts=(Artifact("L-1-map.npy", "map", "application/x-npy", b"map"),),
        seconds={"load": 0.032, "preprocess": 0.074, "infer": 0.685, "explain": 0.278, "postprocess": 0.037},
        receipt=_receipt(weights),
    )


def _image(number: int, side: str, quality: Quality, abstained: bool, reason: str | None) -> ImageReading:
    pictures = (f"{side}-1-map.npy", f"{side}-1-overlay.png")
    return ImageReading(f"{UID_MARK}.1.{number}", Laterality(side), quality, abstained, reason, _GRAD_CAM, pictures)


def _receipt(weights: str) -> Receipt:
    return Receipt(
        digest=digest_of(f"receipt {weights}"),
        inputs=(f"sha256:{digest_of('left')}", f"sha256:{digest_of('right')}"),
        weights=weights,
        configuration=digest_of("configuration"),
        code=digest_of("code"),
        engine="openvino",
        engine_version="2026.4.1",
        precision="float32",
        threads=2,
        batch_shape=(1, 3, 448, 448),
        device="cpu",
        processor="x86_64+avx2+avx512f",
        ladder="full",
        host="filled",
    )


def digest_of(words: str) -> str:
    """A sha256 that stands for some bytes."""
    return hashlib.sha256(words.encode()).hexdigest()
