"""What a reconstructed volume is: its place, protocol and making, written beside it for the exporter of the series."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from pipelines.core.receipt import canonical_json
from pipelines.core.types import Artifact
from pipelines.imaging.grid import Grid
from pipelines.imaging.kspace import Geometry, Protocol

#: The reconstructed volume, and this description of it: artifacts of one result.
VOLUME_NAME: Final = "reconstruction.nii.gz"
NAME: Final = "reconstruction.json"
KIND: Final = "series_facts"


@dataclass(frozen=True, slots=True, eq=False)
class SeriesFacts:
    """A volume (x, y, slice) on its grid, how it was acquired and how it was made."""

    grid: Grid
    geometry: Geometry
    protocol: Protocol
    frame_of_reference_uid: str | None
    patient_position: str | None
    is_3d: bool
    method: str
    acceleration: float
    partial_fourier: bool


def facts_artifact(facts: SeriesFacts) -> Artifact:
    """The description as JSON; the affine is from voxels (x, y, slice) to RAS millimetres, in full precision."""
    content = {
        "shape": list(facts.grid.shape),
        "affine_ras_mm": facts.grid.affine.tolist(),
        "geometry": facts.geometry.value,
        "protocol": asdict(facts.protocol),
        "frame_of_reference_uid": facts.frame_of_reference_uid,
        "patient_position": facts.patient_position,
        "is_3d": facts.is_3d,
        "method": facts.method,
        "acceleration": facts.acceleration,
        "partial_fourier": facts.partial_fourier,
    }
    return Artifact(NAME, KIND, "application/json", canonical_json(content))


def read_facts(content: bytes) -> SeriesFacts:
    """What `facts_artifact` wrote."""
    stored = json.loads(content)
    x, y, slices = (int(count) for count in stored["shape"])
    return SeriesFacts(
        grid=Grid((x, y, slices), np.array(stored["affine_ras_mm"], np.float64)),
        geometry=Geometry(stored["geometry"]),
        protocol=Protocol(**stored["protocol"]),
        frame_of_reference_uid=stored["frame_of_reference_uid"],
        patient_position=stored["patient_position"],
        is_3d=bool(stored["is_3d"]),
        method=str(stored["method"]),
        acceleration=float(stored["acceleration"]),
        partial_fourier=bool(stored["partial_fourier"]),
    )
