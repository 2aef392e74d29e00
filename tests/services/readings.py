"""A small complete reading, without what few processes that answer with one need to load."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.core.codes import DIABETIC_RETINOPATHY
from pipelines.core.types import (
    Artifact,
    Finding,
    ImageReading,
    ModelRef,
    Quality,
    Reading,
    Receipt,
    Subject,
    Urgency,
)


def reading(subject: Subject | None = None, *, urgency: Urgency = Urgency.ROUTINE, **changes: object) -> Reading:
    """A small complete reading, of the given subject's first image."""
    uid = subject.instances[0].sop_instance_uid if subject else "1.2.3"
    quality = Quality(gradable=True, score=0.9)
    values: Mapping[str, object] = {
        "pipeline": "retinopathy",
        "model": ModelRef("fundus_dr_grading", "1.0.0", "1" * 64),
        "findings": (Finding(DIABETIC_RETINOPATHY, "dr_grade", 2, probabilities={"0": 0.1, "2": 0.9}),),
        "images": (ImageReading(uid, None, quality, False, None, None, ("L-1-overlay.png",)),),
        "quality": quality,
        "abstained": False,
        "abstain_reason": None,
        "urgency": urgency,
        "explanation": None,
        "artifacts": (Artifact("L-1-overlay.png", "overlay", "image/png", b"pixels"),),
        "seconds": {"load": 0.1},
        "receipt": Receipt("2" * 64, (), "", "", "", "none", "0", "f32", 1, (1,), "cpu", "", ""),
    }
    return Reading(**{**values, **changes})
