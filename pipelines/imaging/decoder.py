"""Decodes pixels in a memory-limited child process, so that no hostile picture can harm the process that asks."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core import errors
from pipelines.core.limited_process import LimitedProcess
from pipelines.imaging.frames import FileFacts, Frames, NiftiHeader, file_facts
from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.kspace import KspaceHeader, Survey, header_from_json, survey_from_json
from pipelines.imaging.photograph import PhotographIdentity, WrappedPhotograph
from pipelines.imaging.picture import DecodedImage, Shown, Window

#: Enough for a 134-megapixel picture with its working copies; the libraries alone map 0.35 GB.
MEMORY_BYTES: Final = 2_500_000_000
TIMEOUT_S: Final = 60.0
#: Headers read in one call: 0.3 s.
_FILES_A_CALL: Final = 256


class Decoder(LimitedProcess):
    """What the decoding child can be asked; each call raises what `LimitedProcess` says, and what it names itself."""

    module = "pipelines.imaging.decode_child"
    died = errors.DecoderDied

    def __init__(self, memory_bytes: int = MEMORY_BYTES, timeout_s: float = TIMEOUT_S) -> None:
        """Nothing is started yet; `memory_bytes` is the child's address space."""
        super().__init__(memory_bytes, timeout_s)

    def overdue(self) -> errors.DecoderDied:
        """Code decode_timeout."""
        return errors.DecoderDied("decoding the pixels took too long", code="decode_timeout", seconds=self._timeout_s)

    def decode_dicom(self, path: Path, min_side: int | None = None) -> DecodedImage:
        """A single-frame DICOM picture as (h, w, 3) uint8 RGB.

        With `min_side` (pixels) it comes at 1/2, 1/4 or 1/8 scale as long as its short side keeps that length. Raises
        NotAnImage, NoPixelData, UnsuitableInput, CorruptPixels.
        """
        header, body = self.call({"call": "decode", "path": _absolute(path), "min_side": min_side})
        rows, columns = _integers(header["original_shape"])
        array = np.frombuffer(body, dtype=np.uint8).reshape(_integers(header["shape"]))
        camera = header["camera"]
        return DecodedImage(array, (rows, columns), float(str(header["scale"])), str(camera) if camera else None)

    def rendered(self, path: Path, width: int | None = None, window: Window | None = None, frame: int = 0) -> bytes:
        """One frame of a DICOM object as JPEG bytes, at most `width` pixels wide, never enlarged.

        Grey pictures go through `window`, else through their own, else from percentile 0.5 to 99.5.
        """
        chosen = [window.centre, window.width] if window else None
        request: dict[str, object] = {"call": "render", "path": _absolute(path), "width": width}
        return bytes(self.call({**request, "window": chosen, "frame": frame})[1])

    def drawn(self, path: Path, stored_map: bytes, picture: Shown) -> bytes:
        """One of picture.DRAWN as PNG bytes: the DICOM photograph at `path` with a map (npy) that was stored of it.

        Raises what decode_dicom raises; CorruptPixels where the map cannot be read.
        """
        encoded = base64.b64encode(stored_map).decode("ascii")
        request: dict[str, object] = {"call": "drawn", "path": _absolute(path), "map": encoded, "picture": picture.kind}
        return bytes(self.call(request)[1])

    def wrap_photograph(self, source: Path, target: Path, identity: PhotographIdentity) -> WrappedPhotograph:
        """Write the JPEG, PNG or TIFF at `source` as a DICOM Ophthalmic Photography object to `target`; see wrap.py."""
        moments = {name: getattr(identity, name) for name in ("acquired", "study_taken", "received")}
        fields = asdict(identity) | {name: each.isoformat() if each else None for name, each in moments.items()}
        request: dict[str, object] = {"call": "wrap", "path": _absolute(source), "target": _absolute(target)}
        made = self.call({**request, "identity": fields})[0]["made"]
        if not isinstance(made, dict):
            raise errors.DecoderDied("the decoding process gave a broken answer")
        return WrappedPhotograph(**made)

    def camera_clock(self, path: Path) -> str:
        """When the JPEG, PNG or TIFF at `path` was taken by its camera's clock, as EXIF has it; empty: it says nothing.

        Raises what decode_dicom raises.
        """
        return str(self.call({"call": "camera_clock", "path": _absolute(path)})[0]["text"])

    def facts(self, paths: Sequence[Path]) -> tuple[FileFacts, ...]:
        """Geometry and acquisition facts of DICOM images, in the order of `paths`; no pixel is read.

        Raises NotAnImage; its message never names a file.
        """
        found: list[FileFacts] = []
        for first in range(0, len(paths), _FILES_A_CALL):
            names = [_absolute(path) for path in paths[first : first + _FILES_A_CALL]]
            found.extend(file_facts(fields) for fields in json.loads(self.call({"call": "facts", "paths": names})[1]))
        return tuple(found)

    def frames(self, path: Path, indices: Sequence[int] | None = None) -> Frames:
        """Frames of a DICOM image, all where `indices` (from 0) is None, in the modality's units; see frame_pixels.py.

        Raises NotAnImage, NoPixelData, CorruptPixels, UnsuitableInput.
        """
        chosen = None if indices is None else list(indices)
        header, body = self.call({"call": "frames", "path": _absolute(path), "indices": chosen})
        return Frames(np.frombuffer(body, np.float32).reshape(_integers(header["shape"])))

    def nifti_header(self, path: Path) -> NiftiHeader:
        """Shape and place of a NIfTI volume; raises NotAnImage (code broken_nifti)."""
        header = self.call({"call": "nifti_header", "path": _absolute(path)})[0]
        affine = np.array(header["affine"], np.float64).reshape(4, 4)
        shape = _integers(header["shape"])
        return NiftiHeader(shape, affine, bool(header["has_place"]), float(str(header["agree_mm"])))

    def nifti(self, path: Path) -> Volume:
        """A NIfTI file's one volume, scaled as its header says; NaN stays.

        Raises NotAnImage, UnsuitableInput (several volumes, colours, too large), CorruptPixels.
        """
        header, body = self.call({"call": "nifti", "path": _absolute(path)})
        i, j, k = _integers(header["shape"])
        affine = np.array(header["affine"], np.float64).reshape(4, 4)
        return Volume(np.frombuffer(body, np.float32).reshape((i, j, k), order="F"), Grid((i, j, k), affine))

    def label_counts(self, path: Path, grid: Grid, numbers: Sequence[int]) -> dict[int, int]:
        """Voxels of each label in a NIfTI label map, which must lie on `grid` and hold 0 and `numbers` alone.

        Raises BadMask (mask_grid, mask_labels), NotAnImage (broken_nifti), CorruptPixels (truncated_pixels).
        """
        request: dict[str, object] = {"call": "label_counts", "path": _absolute(path), "numbers": list(numbers)}
        counted = self.call({**request, "shape": list(grid.shape), "affine": grid.affine.ravel().tolist()})[0]
        voxels = _integers(counted["voxels"])
        return dict(zip(numbers, voxels, strict=True))

    def kspace_header(self, path: Path) -> KspaceHeader:
        """Sizes, protocol and identity of raw MRI data in HDF5; no sample is read.

        Raises NotAnImage (not_kspace, truncated_hdf5, hdf5_refused, kspace_header) and UnsuitableInput.
        """
        return header_from_json(self.call({"call": "kspace_header", "path": _absolute(path)})[0])

    def kspace_survey(self, path: Path) -> Survey:
        """What a pass over all samples of raw MRI data finds; raises UnsuitableInput, see kspace_survey.py."""
        return survey_from_json(*self.call({"call": "kspace_survey", "path": _absolute(path)}))

    def kspace_planes(self, path: Path, coils: Sequence[int], start: int, stop: int) -> NDArray[np.complex64]:
        """Planes `start` to `stop` of raw data, (planes, coil, rows, columns) complex64, of the coils named."""
        request: dict[str, object] = {"call": "kspace_planes", "path": _absolute(path), "coils": list(coils)}
        header, body = self.call({**request, "start": start, "stop": stop})
        return np.frombuffer(body, np.complex64).reshape(_integers(header["shape"]))

    def kspace_reference(self, path: Path) -> NDArray[np.float32]:
        """The fully sampled images beside fastMRI's k-space, (slices, y, x) float32; raises UnsuitableInput."""
        header, body = self.call({"call": "kspace_reference", "path": _absolute(path)})
        return np.frombuffer(body, np.float32).reshape(_integers(header["shape"]))


def _absolute(path: Path) -> str:
    """The child runs in another folder."""
    return str(path.absolute())


def _integers(value: object) -> tuple[int, ...]:
    """A JSON array of whole numbers."""
    return tuple(int(item) for item in value) if isinstance(value, list) else ()
