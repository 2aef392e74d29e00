"""Raw data in fastMRI's layout: one array `kspace`, (slices, coils, rows, columns) or (slices, rows, columns).

Source: fastMRI (Zbontar et al. 2018, arXiv:1811.08839) keeps the readout along the rows and the phase encoding along
the columns; others write (slices, coils, ky, kx). Which it is, is read from where lines are missing, from the mask's
length and from the ISMRMRD header, where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import UnsuitableInput
from pipelines.imaging import kspace_hdf5
from pipelines.imaging.kspace import Geometry, KspaceHeader, KspaceIdentity, KspaceNote, Layout, Protocol
from pipelines.imaging.kspace_source import Kspace, Place, RawSource, believable, middle, without_oversampling
from pipelines.imaging.kspace_xml import RawHeader, parse

_OVERSAMPLING: Final = "readout_oversampling"
_IN_PLACE: Final = (0, 1, 2)
_SWAPPED: Final = (0, 2, 1)
#: Image rows run to the patient's back, columns to the left, as in an axial slice seen from the feet; RAS.
_NOMINAL_AXES: Final = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class _Array:
    """The dataset with its axes named; `is_swapped`: the readout runs along the rows."""

    data: h5py.Dataset
    slices: int
    coils: int
    sides: tuple[int, int]
    is_swapped: bool
    oversampling: float
    raw: RawHeader | None
    mask: NDArray[np.bool_] | None


def read_header(file: h5py.File) -> KspaceHeader:
    """What the file says of itself; raises UnsuitableInput."""
    return _header(_opened(file, looks_at_samples=False))


def open_source(file: h5py.File) -> RawSource:
    """The file's planes; raises UnsuitableInput (kspace_matrix, kspace_wrong_axes, kspace_mask)."""
    found = _opened(file, looks_at_samples=True)
    rows, columns = found.sides[::-1] if found.is_swapped else found.sides
    is_plane = found.mask is not None and found.mask.ndim == 2
    kept = columns if is_plane else round(columns / found.oversampling)
    notes = []
    if kept != columns:
        notes.append(KspaceNote("readout_oversampling", f"readout oversampling of {found.oversampling:g} was removed"))
    if found.is_swapped:
        notes.append(
            KspaceNote("phase_along_columns", "phase encoding runs along the last axis, as in fastMRI's files")
        )
    place = _place(found, rows, kept)
    if place.geometry is Geometry.NOMINAL:
        notes.append(KspaceNote("geometry_nominal", "the file states no field of view: voxels of 1 mm are assumed"))

    def read(start: int, stop: int) -> Kspace:
        block = np.asarray(found.data[start:stop], dtype=np.complex64)
        block = block.reshape(stop - start, found.coils, *found.sides)
        block = np.swapaxes(block, -1, -2) if found.is_swapped else block
        return np.ascontiguousarray(without_oversampling(block, 3, kept))

    mask = found.mask.T if found.mask is not None and is_plane and found.is_swapped else found.mask
    return RawSource(_header(found), found.slices, rows, kept, read, place, stored_mask=mask, notes=tuple(notes))


def _opened(file: h5py.File, looks_at_samples: bool) -> _Array:
    data = kspace_hdf5.dataset(file, "kspace")
    if data.dtype.kind != "c" or data.ndim not in (3, 4):
        raise UnsuitableInput(
            "k-space has to be complex, (slices, coils, ky, kx) or (slices, ky, kx)",
            code="kspace_matrix",
            axes=data.ndim,
        )
    slices, coils = data.shape[0], data.shape[1] if data.ndim == 4 else 1
    sides = (data.shape[-2], data.shape[-1])
    believable(coils, slices, *sides)
    if coils > min(sides):
        raise UnsuitableInput(
            "there are more coils than samples a side: is the coils' axis not the second?",
            code="kspace_wrong_axes",
            coils=coils,
            sides=list(sides),
        )
    oversampling = kspace_hdf5.number(file.attrs, _OVERSAMPLING, 0)
    raw = None
    if kspace_hdf5.has(file, "ismrmrd_header"):
        raw = parse(kspace_hdf5.text(kspace_hdf5.dataset(file, "ismrmrd_header")))
    mask = _stored_mask(file, sides)
    declared = str(file.attrs.get("layout", "")).replace(" ", "").endswith("ky,kx)") or oversampling > 0
    missing = _missing(data) if looks_at_samples else (0, 0)
    is_swapped = _is_swapped(sides, mask, missing, raw)
    if is_swapped and declared:
        raise UnsuitableInput(
            "lines are missing along the readout axis, which is always acquired whole: are the axes exchanged?",
            code="kspace_wrong_axes",
            missing=missing[1],
        )
    if oversampling <= 0:
        oversampling = _header_oversampling(raw)
    return _Array(data, slices, coils, sides, is_swapped, max(oversampling, 1.0), raw, mask)


def _stored_mask(file: h5py.File, sides: tuple[int, int]) -> NDArray[np.bool_] | None:
    """The `mask` dataset, padding taken out of it; raises UnsuitableInput where it fits no axis."""
    if not kspace_hdf5.has(file, "mask"):
        return None
    mask = np.squeeze(np.asarray(kspace_hdf5.dataset(file, "mask")[()])).astype(bool)
    if mask.shape != sides and mask.shape not in ((sides[0],), (sides[1],)):
        raise UnsuitableInput(
            "the mask fits neither axis of k-space", code="kspace_mask", mask=list(mask.shape), kspace=list(sides)
        )
    if mask.ndim == 1:
        left = int(kspace_hdf5.number(file.attrs, "padding_left", 0))
        right = int(kspace_hdf5.number(file.attrs, "padding_right", len(mask)))
        mask[: max(left, 0)] = False
        mask[max(right, 0) or len(mask) :] = False
    return mask


def _missing(data: h5py.Dataset) -> tuple[int, int]:
    """How many whole rows and whole columns of the middle slice hold nothing."""
    values = np.asarray(data[data.shape[0] // 2]).reshape(-1, *data.shape[-2:])
    is_there = (values != 0).any(axis=0)
    return int((~is_there.any(axis=1)).sum()), int((~is_there.any(axis=0)).sum())


def _is_swapped(
    sides: tuple[int, int], mask: NDArray[np.bool_] | None, missing: tuple[int, int], raw: RawHeader | None
) -> bool:
    """Whether the phase encoding runs along the last axis."""
    if mask is not None and mask.ndim == 1 and sides[0] != sides[1]:
        return mask.shape == (sides[1],)
    if missing[0] != missing[1]:
        return missing[1] > missing[0]
    if raw is not None and sides[0] != sides[1]:
        return sides[0] == raw.encodings[0].matrix[0]
    return False


def _header_oversampling(raw: RawHeader | None) -> float:
    if raw is None:
        return 1.0
    return raw.encodings[0].view_mm[0] / raw.encodings[0].recon_view_mm[0]


def _header(found: _Array) -> KspaceHeader:
    rows, columns = found.sides[::-1] if found.is_swapped else found.sides
    return KspaceHeader(
        layout=Layout.FASTMRI,
        slices=found.slices,
        partitions=1,
        coils=found.coils,
        rows=rows,
        columns=columns,
        readout_oversampling=found.oversampling,
        field_of_view_mm=found.raw.encodings[0].view_mm if found.raw else None,
        has_reference=kspace_hdf5.has(found.data.parent, "reconstruction_rss"),
        identity=found.raw.identity if found.raw else KspaceIdentity(),
        protocol=found.raw.protocol if found.raw else Protocol(),
    )


def _place(found: _Array, rows: int, kept: int) -> Place:
    """Spacing from the header's fields of view; position and directions are nominal either way."""
    axes = _SWAPPED if found.is_swapped else _IN_PLACE
    full = found.sides[0] if found.is_swapped else found.sides[1]
    shown = middle(kept, min(kept, round(full / found.oversampling)))
    if found.raw is None:
        return Place(axes, ((0, rows), shown), _nominal((1.0, 1.0, 1.0)), Geometry.NOMINAL)
    encoding = found.raw.encodings[0]
    share = min(encoding.recon_view_mm[1] / encoding.view_mm[1], 1.0)
    phase = middle(rows, max(1, round(rows * share)))
    step_x, step_y = encoding.view_mm[0] / full, encoding.view_mm[1] / rows
    spacing = (step_y, step_x) if found.is_swapped else (step_x, step_y)
    affine = _nominal((*spacing, encoding.recon_view_mm[2]))
    return Place(axes, (phase, shown), affine, Geometry.SPACING)


def _nominal(spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = _NOMINAL_AXES @ np.diag(spacing)
    return affine
