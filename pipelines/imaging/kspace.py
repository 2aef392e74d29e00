"""Raw MRI data as values: what a file's header says, what a survey of its samples found, and its planes of k-space.

A plane is one Cartesian grid (rows, columns): for 2D data a slice, phase encoding down the rows and readout along the
columns; for 3D data one position along the readout, the two phase encodings along rows and columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

COMPLEX_BYTES = 8  # complex64


class Layout(StrEnum):
    """How raw data lies in HDF5."""

    ISMRMRD = "ismrmrd"  #: ISMRM raw data format: a table of acquisitions beside an XML header (Inati 2017)
    FASTMRI = "fastmri"  #: one array `kspace`, as in the fastMRI data set (Zbontar 2018)


class Geometry(StrEnum):
    """How much of the images' place in the patient is known."""

    KNOWN = "known"  #: spacing, position and directions
    SPACING = "spacing"  #: spacing alone; the position is nominal
    NOMINAL = "nominal"  #: nothing: voxels of 1 mm are assumed, and no length or volume may be measured


@dataclass(frozen=True, slots=True)
class KspaceIdentity:
    """Whose data it is, as far as the ISMRMRD header says; dates as DICOM writes them (DA, TM)."""

    patient_id: str | None = None
    patient_name: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    study_instance_uid: str | None = None
    study_date: str | None = None
    study_time: str | None = None
    accession_number: str | None = None
    study_description: str | None = None
    series_description: str | None = None
    body_part: str | None = None
    manufacturer: str | None = None
    model_name: str | None = None
    frame_of_reference_uid: str | None = None
    patient_position: str | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """How the data were acquired: times in milliseconds, flip angle in degrees, field in tesla."""

    repetition_ms: float | None = None
    echo_ms: float | None = None
    inversion_ms: float | None = None
    flip_degrees: float | None = None
    field_tesla: float | None = None
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class KspaceHeader:
    """What a raw data file says of itself without its samples being read.

    Shapes are those of the encoded grid: `columns` counts readout samples, `partitions` is 1 for 2D data.
    `field_of_view_mm` is (x, y, z) of the encoded space.
    """

    layout: Layout
    slices: int
    partitions: int
    coils: int
    rows: int
    columns: int
    readout_oversampling: float
    field_of_view_mm: tuple[float, float, float] | None
    has_reference: bool
    identity: KspaceIdentity
    protocol: Protocol

    @property
    def is_3d(self) -> bool:
        """Whether a second phase encoding takes the place of slices."""
        return self.partitions > 1


@dataclass(frozen=True, slots=True)
class KspaceNote:
    """An oddity that was handled, or something a reader should know: a stable code and a sentence with its numbers."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What a pass over all samples found; all that is needed to read planes and to place their images.

    `masks` is (planes, rows) where whole lines were acquired, else (rows, columns) for all planes alike. `whitening`
    is (coils kept, coils kept) complex128, None without noise measurements. `noise` is the standard deviation of the
    noise in one channel (real or imaginary) of a sample, in k-space's units. `covered` is the extent of rows within
    which lines were acquired at all: less than the whole with partial Fourier or reduced resolution.
    Planes are in the order of their places in the patient. `crop` are (start, stop) of rows and columns of a plane's
    image that show the field of view; `axes` transposes (planes, rows, columns) to (slices, y, x). `affine` is (4, 4)
    RAS mm for voxel indices (x, y, slice) of that volume.
    """

    planes: int
    rows: int
    columns: int
    coils: tuple[int, ...]
    masks: NDArray[np.bool_]
    whitening: NDArray[np.complex128] | None
    noise: float
    is_noise_measured: bool
    covered: tuple[int, int]
    crop: tuple[tuple[int, int], tuple[int, int]]
    axes: tuple[int, int, int]
    affine: NDArray[np.float64]
    geometry: Geometry
    notes: tuple[KspaceNote, ...]

    @property
    def is_by_line(self) -> bool:
        """Whether whole lines were acquired, possibly others in each plane."""
        return self.masks.shape == (self.planes, self.rows)

    def mask(self, plane: int) -> NDArray[np.bool_]:
        """(rows, columns) bool: what was acquired of a plane."""
        if self.is_by_line:
            return np.broadcast_to(self.masks[plane][:, None], (self.rows, self.columns))
        return self.masks

    @property
    def is_partial(self) -> bool:
        """Whether one side of k-space was left out."""
        return any(note.code == "partial_fourier" for note in self.notes)

    @property
    def acceleration(self) -> float:
        """Samples of the covered grid for each one acquired."""
        start, stop = self.covered
        share = self.masks[:, start:stop].mean() if self.is_by_line else self.masks[start:stop].mean()
        return float(1 / share)

    @property
    def plane_bytes(self) -> int:
        """What one plane's samples take."""
        return len(self.coils) * self.rows * self.columns * COMPLEX_BYTES


def header_from_json(fields: Mapping[str, Any]) -> KspaceHeader:  # Any: JSON
    """A header back from the JSON that `asdict` makes of it."""
    view = fields["field_of_view_mm"]
    return KspaceHeader(
        layout=Layout(fields["layout"]),
        slices=int(fields["slices"]),
        partitions=int(fields["partitions"]),
        coils=int(fields["coils"]),
        rows=int(fields["rows"]),
        columns=int(fields["columns"]),
        readout_oversampling=float(fields["readout_oversampling"]),
        field_of_view_mm=(float(view[0]), float(view[1]), float(view[2])) if view else None,
        has_reference=bool(fields["has_reference"]),
        identity=KspaceIdentity(**fields["identity"]),
        protocol=Protocol(**fields["protocol"]),
    )


def survey_from_json(fields: Mapping[str, Any], values: bytes | bytearray) -> Survey:  # Any: JSON
    """A survey back from the answer that kspace_child.py makes of it."""
    shapes, types = fields["arrays"], {"whitening": np.complex128, "affine": np.float64, "masks": np.bool_}
    arrays: dict[str, Any] = {}  # Any: of three element types
    place = 0
    for name, kind in types.items():
        shape = shapes[name]
        if shape is None:
            arrays[name] = None
            continue
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(values, kind, count, place).reshape(shape)
        place += arrays[name].nbytes
    (top, bottom), (left, right) = fields["crop"]
    return Survey(
        planes=int(fields["planes"]),
        rows=int(fields["rows"]),
        columns=int(fields["columns"]),
        coils=tuple(fields["coils"]),
        noise=float(fields["noise"]),
        is_noise_measured=bool(fields["is_noise_measured"]),
        covered=(fields["covered"][0], fields["covered"][1]),
        crop=((top, bottom), (left, right)),
        axes=(fields["axes"][0], fields["axes"][1], fields["axes"][2]),
        geometry=Geometry(fields["geometry"]),
        notes=tuple(KspaceNote(**note) for note in fields["notes"]),
        **arrays,
    )
