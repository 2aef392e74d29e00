"""What a reconstruction is looked at by: volumes, panels, and the description of the series that they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipelines.core.types import Artifact
from pipelines.imaging.grid import Grid
from pipelines.imaging.kspace import KspaceHeader, Survey
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.panel import Panel, areas, chosen, draw
from pipelines.imaging.series_facts import VOLUME_NAME, SeriesFacts, facts_artifact
from pipelines.reconstruction_slabs import Volumes

Value = TypeVar("Value", np.float32, np.bool_)

_NIFTI: Final = "application/x-nifti"
#: Panels a result: a reader steps through them; the volumes hold every slice.
MAX_PANELS: Final = 12
_WHITE: Final = 99.5  # percentile of the reconstruction that is shown white


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The planes' images as slices of the patient, each (slices, y, x), and their grid."""

    image: NDArray[np.float32]
    zero_filled: NDArray[np.float32]
    uncertainty: NDArray[np.float32]
    correction: NDArray[np.float32]
    flagged: NDArray[np.bool_]
    grid: Grid


def placed(volumes: Volumes, survey: Survey) -> Placed:
    """Cut to the field of view and turned into slices."""
    image = in_slices(volumes.image, survey)
    slices, rows, columns = image.shape
    return Placed(
        image=image,
        zero_filled=in_slices(volumes.zero_filled, survey),
        uncertainty=in_slices(volumes.uncertainty, survey),
        correction=in_slices(volumes.correction, survey),
        flagged=in_slices(volumes.flagged, survey),
        grid=Grid((columns, rows, slices), survey.affine),
    )


def in_slices(planes: NDArray[Value], survey: Survey) -> NDArray[Value]:
    """(planes, rows, columns) -> (slices, y, x) of the field of view."""
    (top, bottom), (left, right) = survey.crop
    return np.ascontiguousarray(planes[:, top:bottom, left:right].transpose(survey.axes))


def artifacts(
    shown: Placed, header: KspaceHeader, survey: Survey, method: str
) -> tuple[tuple[Artifact, ...], tuple[dict[str, object], ...]]:
    """The files of a result, and which slice each panel shows with how many flagged areas."""
    facts = SeriesFacts(
        grid=shown.grid,
        geometry=survey.geometry,
        protocol=header.protocol,
        frame_of_reference_uid=header.identity.frame_of_reference_uid,
        patient_position=header.identity.patient_position,
        is_3d=header.is_3d,
        method=method,
        acceleration=round(survey.acceleration, 2),
        partial_fourier=survey.is_partial,
    )
    panels, described = _panels(shown)
    volumes = (
        _volume(VOLUME_NAME, "volume", shown.image, shown.grid),
        _volume("zero_filled.nii.gz", "volume", shown.zero_filled, shown.grid),
        _volume("uncertainty.nii.gz", "uncertainty", shown.uncertainty, shown.grid),
        _volume("residual.nii.gz", "uncertainty", shown.correction, shown.grid),
        _volume("unsupported.nii.gz", "segmentation", shown.flagged.astype(np.uint8), shown.grid),
    )
    return (*volumes, facts_artifact(facts), *panels), described


def _panels(shown: Placed) -> tuple[Sequence[Artifact], tuple[dict[str, object], ...]]:
    white = float(np.percentile(shown.image, _WHITE)) or 1.0
    made, described = [], []
    for number, place in enumerate(chosen(shown.flagged, MAX_PANELS), start=1):
        panel = Panel(
            shown.zero_filled[place],
            shown.image[place],
            shown.uncertainty[place],
            shown.correction[place],
            shown.flagged[place],
        )
        name = f"panel-{number}.png"
        made.append(Artifact(name, "panel", "image/png", draw(panel, white)))
        described.append({"name": name, "slice": place + 1, "flagged": areas(shown.flagged[place])})
    return made, tuple(described)


def _volume(name: str, kind: str, slices: NDArray[Any], grid: Grid) -> Artifact:
    """(slices, y, x) of any type that NIfTI has, as (x, y, slice)."""
    return Artifact(name, kind, _NIFTI, write_nifti(slices.transpose(2, 1, 0), grid))
