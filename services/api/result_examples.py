"""Examples of results for the API's document: one of each kind that a pipeline gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipelines.core import codes
from pipelines.core.types import Code

#: Any: JSON of the contract.
Json = dict[str, Any]

_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_IMAGE: Final = "2.25.87928285284805208248189743678105063127"
_NIFTI: Final = "application/x-nifti"
_PNG: Final = "image/png"
_DICOM: Final = "application/dicom"
_SPLEEN: Final = Code(codes.SNOMED, "78961009", "Spleen")  # PS3.16 CID 7151


def _finding(
    code: Code,
    label: str,
    value: float,
    unit: str,
    interval: Sequence[float] | None = None,
    laterality: str | None = None,
) -> Json:
    return {
        "code": {"scheme": code.scheme, "value": code.value, "meaning": code.meaning},
        "label": label,
        "value": value,
        "unit": unit,
        "probabilities": None,
        "interval": interval,
        "laterality": laterality,
    }


def _image(laterality: str | None, quality: Json, explanation: Json, artifacts: Sequence[str]) -> Json:
    return {
        "sop_instance_uid": _IMAGE,
        "laterality": laterality,
        "quality": quality,
        "abstained": False,
        "abstain_reason": None,
        "explanation": explanation,
        "artifacts": list(artifacts),
        "familiarity": None,
    }


def _result(pipeline: str, model: str, parameters: Json, artifacts: Mapping[str, tuple[str, str]], **said: Any) -> Json:
    # Any: JSON of the contract
    return {
        "id": "01JD8Q3Z5V7Y9XK2M4N6P8R0ST",
        "study_id": "01JD8Q3Z5V7Y9XK2M4N6P8R0SV",
        "slot_id": "01JD8Q3Z5V7Y9XK2M4N6P8R0SW",
        "job_id": "01JD8Q3Z5V7Y9XK2M4N6P8R0SX",
        "pipeline": pipeline,
        "role": "live",
        "current": True,
        "proposed": False,
        "created_at": "2026-11-22T13:04:34Z",
        "model": {"name": model, "version": "1.0.0", "sha256": _SHA256},
        "abstained": False,
        "abstain_reason": None,
        "urgency": "routine",
        "artifacts": [
            {"name": name, "kind": kind, "media_type": media_type, "bytes": 120_000, "sha256": _SHA256}
            for name, (kind, media_type) in artifacts.items()
        ],
        "seconds": {"load": 0.9, "preprocess": 4.2, "infer": 1.8, "explain": 1.1, "postprocess": 0.6},
        "receipt": {
            "digest": _SHA256,
            "inputs": [f"sha256:{_SHA256}"],
            "engine": "openvino",
            "device": "cpu",
            "parameters": parameters,
        },
        **said,
    }


_GRAD_CAM: Final[Json] = {
    "method": "grad-cam",
    "layer": "decoder.1",
    "target": "hippocampus",
    "trust": {"inside": 0.83},
    "reliable": True,
    "note": None,
}
_NO_HEAT_MAP: Final[Json] = {
    "method": "none",
    "layer": "",
    "target": "",
    "trust": {},
    "reliable": False,
    "note": "a reconstruction has no class whose evidence could be located; the panel of pictures stands in its place",
}
_VOLUME_FILES: Final = {
    "preview.png": ("preview", _PNG),
    "volume.nii.gz": ("volume", _NIFTI),
    "segmentation.nii.gz": ("segmentation", _NIFTI),
    "segmentation.json": ("segments", "application/json"),
    "uncertainty.nii.gz": ("uncertainty", _NIFTI),
    "gradcam.nii.gz": ("explanation", _NIFTI),
    "report.dcm": ("sr", _DICOM),
    "segmentation.dcm": ("seg", _DICOM),
}

SEGMENTATION: Final = _result(
    "segmentation",
    "hippocampus_segmentation",
    {
        "quality_threshold": 0.8,
        "plausible_ml": [2.0, 5.0],
        "series_number": 2,
        "weighting": "T1",
        "series_not_read": [
            {
                "series_number": 1,
                "code": "wrong_contrast",
                "reason": "the series is T2 weighted, the model reads T1",
            }
        ],
        "geometry_notes": [{"code": "oblique", "sentence": "the slices stand 4.1 degrees off the axial plane"}],
    },
    _VOLUME_FILES,
    findings=[
        _finding(codes.ANTERIOR_HIPPOCAMPUS, "anterior", 1.6234, "ml", [1.4912, 1.7431], "R"),
        _finding(codes.POSTERIOR_HIPPOCAMPUS, "posterior", 1.4011, "ml", [1.2903, 1.5204], "R"),
        _finding(codes.HIPPOCAMPUS, "hippocampus", 3.0245, "ml", [2.8506, 3.2012], "R"),
        _finding(codes.ANTERIOR_HIPPOCAMPUS, "anterior", 1.5217, "ml", [1.3978, 1.6339], "L"),
        _finding(codes.POSTERIOR_HIPPOCAMPUS, "posterior", 1.2805, "ml", [1.1792, 1.3895], "L"),
        _finding(codes.HIPPOCAMPUS, "hippocampus", 2.8022, "ml", [2.6411, 2.9659], "L"),
        _finding(codes.HIPPOCAMPAL_ASYMMETRY, "asymmetry", -7.63, "%", [-15.6, 0.4]),
    ],
    images=[
        _image(side, {"gradable": True, "score": score, "reasons": []}, _GRAD_CAM, ["preview.png"])
        for side, score in (("R", 0.91), ("L", 0.88))
    ],
    quality={"gradable": True, "score": 0.88, "reasons": []},
    explanation=_GRAD_CAM,
)

RECONSTRUCTION: Final = _result(
    "reconstruction",
    "brain_mri_reconstruction",
    {
        "method": "unrolled",
        "quality_threshold": 0.7,
        "coils": 8,
        "residual": 0.0,
        "flagged": 1,
        "panels": [
            {"name": "panel-1.png", "slice": 40, "flagged": 0},
            {"name": "panel-2.png", "slice": 80, "flagged": 1},
        ],
        "notes": ["the readout was sampled twice as densely as needed; the surplus was removed"],
    },
    {
        "panel-1.png": ("panel", _PNG),
        "panel-2.png": ("panel", _PNG),
        "reconstruction.nii.gz": ("volume", _NIFTI),
        "zero_filled.nii.gz": ("volume", _NIFTI),
        "uncertainty.nii.gz": ("uncertainty", _NIFTI),
        "reconstruction-1.dcm": ("derived_series", _DICOM),
        "reconstruction-2.dcm": ("derived_series", _DICOM),
    },
    findings=[
        _finding(Code(codes.OVERREAD, "acceleration", "Acceleration of the acquisition"), "acceleration", 4.0, "1")
    ],
    images=[
        _image(
            None,
            {"gradable": True, "score": 0.94, "reasons": []},
            _NO_HEAT_MAP,
            ["panel-1.png", "panel-2.png"],
        )
    ],
    quality={"gradable": True, "score": 0.94, "reasons": []},
    explanation=_NO_HEAT_MAP,
)

ADDED_BUNDLE: Final = _result(
    "spleen_ct_segmentation",
    "spleen_ct_segmentation",
    {},
    {"preview.png": ("preview", _PNG), "segmentation.nii.gz": ("segmentation", _NIFTI)},
    findings=[_finding(_SPLEEN, "spleen", 212.4, "ml")],
    images=[
        _image(None, {"gradable": True, "score": 1.0, "reasons": []}, _GRAD_CAM | {"target": "spleen"}, ["preview.png"])
    ],
    quality={"gradable": True, "score": 1.0, "reasons": []},
    explanation=_GRAD_CAM | {"target": "spleen"},
)

RESULT_EXAMPLES: Final[Mapping[str, Json]] = {
    "volumes": {"summary": "Hippocampus volumes", "value": SEGMENTATION},
    "reconstruction": {"summary": "An image series from raw MRI data", "value": RECONSTRUCTION},
    "bundle": {"summary": "A MONAI bundle that somebody added", "value": ADDED_BUNDLE},
}
