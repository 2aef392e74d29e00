"""Opens HDF5 of strangers: only plain datasets inside the file itself, of known filters and believable sizes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from pipelines.core.errors import NotAnImage, UnsuitableInput

#: H5Zpublic.h: deflate, shuffle, fletcher32; and LZF as h5py registers it. Others would load a plug-in from disk.
_FILTERS: Final = frozenset({1, 2, 3, 32000})
_MAX_SIDE: Final = 1 << 20  # rows of the longest table of acquisitions
_MAX_BYTES: Final = 1 << 36  # 64 GB, far past what fits any slab; smaller limits are the pipelines' own


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The file, read only; raises NotAnImage (truncated_hdf5, not_hdf5) where its structure cannot be read."""
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        if "truncated" in str(error):
            raise NotAnImage("the HDF5 file ends before its data", code="truncated_hdf5") from error
        raise NotAnImage("the file is not readable HDF5", code="not_hdf5") from error
    with file:
        yield file


def has(group: h5py.Group, name: str) -> bool:
    """Whether there is something of this name in the file itself."""
    return isinstance(group.get(name, getlink=True), h5py.HardLink)


def dataset(group: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset that lies plainly in this file.

    Raises NotAnImage (hdf5_refused) for links to elsewhere, virtual or external storage, foreign filters and absurd
    sizes: each makes a reader open what the sender chose.
    """
    if not has(group, name):
        raise NotAnImage("the file holds a link in the place of data", code="hdf5_refused")
    found = group[name]
    if not isinstance(found, h5py.Dataset):
        raise NotAnImage("the file holds no dataset where one is expected", code="hdf5_refused")
    if found.is_virtual or found.external:
        raise NotAnImage("the data lie outside the file", code="hdf5_refused")
    settings = found.id.get_create_plist()
    filters = {settings.get_filter(number)[0] for number in range(settings.get_nfilters())}
    if not filters <= _FILTERS:
        raise NotAnImage("the data are packed by a filter that is not read here", code="hdf5_refused")
    size = prod(found.shape or ()) * found.dtype.itemsize
    if found.shape is None or max(found.shape, default=0) > _MAX_SIDE or size > _MAX_BYTES:
        raise NotAnImage("the data's size is absurd", code="hdf5_refused", bytes=size)
    return found


def text(source: h5py.Dataset) -> bytes:
    """The one string that a dataset holds."""
    if prod(source.shape) != 1:
        raise NotAnImage("the raw data's header is not one text", code="kspace_header")
    value = np.asarray(source[()]).reshape(-1)[0]
    return value if isinstance(value, bytes) else str(value).encode()


def number(attributes: Any, name: str, default: float) -> float:  # Any: h5py's attributes have no type
    """A numeric attribute; the default where it is absent; raises UnsuitableInput where it is no number."""
    if name not in attributes:
        return default
    try:
        return float(np.asarray(attributes[name]).reshape(-1)[0])
    except (ValueError, TypeError, IndexError) as error:
        raise UnsuitableInput(f"the attribute {name} is not a number", code="kspace_header") from error
