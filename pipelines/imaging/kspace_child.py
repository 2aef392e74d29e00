"""Reads raw MRI data inside the decoding child; HDF5 of strangers is opened nowhere else. See decoder.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from pipelines.core.errors import BadInput, NotAnImage, UnsuitableInput
from pipelines.imaging import kspace_fastmri, kspace_hdf5, kspace_ismrmrd
from pipelines.imaging.kspace_source import RawSource
from pipelines.imaging.kspace_survey import survey

Answer = tuple[dict[str, object], bytes | memoryview]
Request = Mapping[str, object]
_REFERENCE: Final = "reconstruction_rss"
_ARRAYS: Final = ("whitening", "affine", "masks")  # these travel behind the JSON, in this order
_MAX_REFERENCE_BYTES: Final = 1 << 29


def _header(request: Request) -> Answer:
    """What the file says of itself."""
    with kspace_hdf5.opened(_path(request)) as file:
        group = _ismrmrd(file)
        found = kspace_fastmri.read_header(file) if group is None else kspace_ismrmrd.read_header(group)
        return asdict(found), b""


def _survey(request: Request) -> Answer:
    """What a pass over all samples finds; the arrays' shapes in the JSON, their values behind it."""
    with opened_source(_path(request)) as source:
        found = survey(source)
    fields = {name: getattr(found, name) for name in found.__slots__ if name not in _ARRAYS}
    fields["notes"] = [asdict(note) for note in found.notes]
    arrays = {name: getattr(found, name) for name in _ARRAYS}
    fields["arrays"] = {name: None if array is None else list(array.shape) for name, array in arrays.items()}
    return fields, b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values() if array is not None)


def _planes(request: Request) -> Answer:
    """Planes of k-space, (planes, coil, rows, columns) complex64, of the coils asked for."""
    start, stop, coils = request["start"], request["stop"], request["coils"]
    if not isinstance(start, int) or not isinstance(stop, int) or not isinstance(coils, list):
        raise BadInput("planes are asked for by numbers")
    with opened_source(_path(request)) as source:
        block = source.read(start, stop)
    chosen = [int(coil) for coil in coils]
    if chosen != list(range(block.shape[1])):
        block = block[:, chosen]
    return {"shape": list(block.shape)}, np.ascontiguousarray(block).data.cast("B")


def _reference(request: Request) -> Answer:
    """The images that the file holds beside its k-space, (slices, y, x) float32."""
    with kspace_hdf5.opened(_path(request)) as file:
        found = kspace_hdf5.dataset(file, _REFERENCE)
        if found.ndim != 3 or found.dtype.kind not in "fiu" or found.size * 4 > _MAX_REFERENCE_BYTES:
            raise UnsuitableInput("the reference is no stack of images", code="kspace_reference")
        values = np.ascontiguousarray(found[()], dtype=np.float32)
    return {"shape": list(values.shape)}, values.data.cast("B")


CALLS: Final[Mapping[str, Callable[[Request], Answer]]] = {
    "kspace_header": _header,
    "kspace_survey": _survey,
    "kspace_planes": _planes,
    "kspace_reference": _reference,
}


@contextmanager
def opened_source(path: Path) -> Iterator[RawSource]:
    """The raw data at `path` for the time of the block; raises NotAnImage and UnsuitableInput (kspace codes)."""
    with kspace_hdf5.opened(path) as file:
        group = _ismrmrd(file)
        yield kspace_fastmri.open_source(file) if group is None else kspace_ismrmrd.open_source(group)


def _ismrmrd(file: h5py.File) -> h5py.Group | None:
    """The group that holds ISMRM raw data; None for fastMRI's layout; raises NotAnImage (not_kspace)."""
    if kspace_hdf5.has(file, "kspace"):
        return None
    group = kspace_ismrmrd.find_group(file)
    if group is None:
        raise NotAnImage("the HDF5 file holds no raw MRI data, ISMRMRD or fastMRI", code="not_kspace")
    return group


def _path(request: Request) -> Path:
    return Path(str(request["path"]))
