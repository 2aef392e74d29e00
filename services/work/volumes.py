"""Series as volumes for the viewer: past the geometry gate, decoded in the memory-limited child, kept on disk."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import UnsuitableInput
from pipelines.core.types import InstanceFile
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.foreign import kind_of_class
from pipelines.imaging.sniff import MediaKind
from pipelines.imaging.volume import read_volume
from pipelines.imaging.volume_plan import plan_volume
from services.settings import MEBIBYTE
from services.store.blobs import Blobs
from services.store.tables import Instance, Patient, Series
from services.work.kept import Kept
from services.work.subject import instance_file

#: As float32: a head at 0.5 mm. The API holds it once while it is compressed.
MOST_BYTES: Final = 512 * MEBIBYTE
SUFFIX: Final = ".nii.gz"
_INT16: Final = np.iinfo(np.int16)


@dataclass(frozen=True, slots=True)
class SeriesFiles:
    """A series with the instances that count, ordered by SOP Instance UID."""

    series: Series
    study_instance_uid: str
    patient: Patient
    instances: tuple[Instance, ...]

    @property
    def digest(self) -> str:
        """sha256 over the instances' own, in their order: equal digests give equal volumes."""
        return hashlib.sha256("\n".join(one.blob_sha256 for one in self.instances).encode()).hexdigest()


class Volumes:
    """Series as NIfTI files in one folder, named by their digest; one is made at a time, since they are large."""

    def __init__(self, decoder: Decoder, folder: Path, most_bytes: int) -> None:
        """The folder is made when it is needed; past `most_bytes` the volumes not looked at longest go first."""
        self._decoder = decoder
        self._kept = Kept(folder, most_bytes)
        self._one_at_a_time = threading.Lock()

    def volume(self, blobs: Blobs, files: SeriesFiles) -> bytes:
        """The series as .nii.gz, int16 where its values are such, else float32.

        Raises UnsuitableInput where the geometry gate refuses the series, and what the decoder raises.
        """

        def make() -> bytes:
            with self._one_at_a_time, ExitStack() as opened:
                paths = [opened.enter_context(blobs.local_path(one.blob_sha256)) for one in files.instances]
                return self._made(_instance_files(files, paths))

        return self._kept.get(f"{files.digest}{SUFFIX}", make)

    def _made(self, instances: Sequence[InstanceFile]) -> bytes:
        if any(kind_of_class(one.sop_class_uid) is MediaKind.HDF5 for one in instances):
            raise UnsuitableInput("raw data is no volume; its reconstruction is one", code="raw_data")
        from pipelines.imaging.nifti import write_nifti  # brings scipy, which an API that shows no volume does without

        volume = read_volume(plan_volume(instances, self._decoder, MOST_BYTES), self._decoder)
        return write_nifti(_compact(volume.array), volume.grid)


def _instance_files(files: SeriesFiles, paths: Sequence[Path]) -> list[InstanceFile]:
    return [
        instance_file(path, one, files.series, files.study_instance_uid, files.patient)
        for path, one in zip(paths, files.instances, strict=True)
    ]


def _compact(values: NDArray[np.float32]) -> NDArray[np.float32] | NDArray[np.int16]:
    """(i, j, k), as int16 where no value changes by it: half the bytes, and those compress better."""
    if not np.isfinite(values).all() or values.min() < _INT16.min or values.max() > _INT16.max:
        return values
    whole = values.astype(np.int16)
    return whole if np.array_equal(whole, values) else values
