"""Decodes pixels in a memory-limited child process, so that no hostile picture can harm the process that asks."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.core import errors
from pipelines.imaging.child_pipe import read_exactly, write_all
from pipelines.imaging.frames import FileFacts, Frames, NiftiHeader, file_facts
from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.kspace import KspaceHeader, Survey, header_from_json, survey_from_json
from pipelines.imaging.photograph import PhotographIdentity, WrappedPhotograph
from pipelines.imaging.picture import DecodedImage, Shown, Window

#: Enough for a 134-megapixel picture with its working copies; the libraries alone map 0.35 GB.
MEMORY_BYTES: Final = 2_500_000_000
TIMEOUT_S: Final = 60.0
#: What the system lets a pipe hold at most, unless it was told otherwise (pipe(7)).
_PIPE_BYTES: Final = 1024 * 1024
_LENGTH: Final = struct.Struct(">I")
_HEADER_LIMIT: Final = 1_000_000
#: Headers read in one call: 0.3 s.
_FILES_A_CALL: Final = 256
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
#: All that the child gets of the environment: it reads hostile bytes and has no business with keys and addresses.
_ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
_ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class Decoder:
    """A persistent decoding child, started on first use and again after it died; safe to use from several threads.

    Each call raises the child's own BadInput, OutOfMemory when the child reached its limit, DecoderDied when it ended
    without an answer or took longer than `timeout_s` seconds (code decode_timeout).
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES, timeout_s: float = TIMEOUT_S) -> None:
        self._memory_bytes = memory_bytes
        self._timeout_s = timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def another(self) -> Self:
        """A decoder of the same limits with a child of its own, not started yet."""
        return type(self)(self._memory_bytes, self._timeout_s)

    def decode_dicom(self, path: Path, min_side: int | None = None) -> DecodedImage:
        """A single-frame DICOM picture as (h, w, 3) uint8 RGB.

        With `min_side` (pixels) it comes at 1/2, 1/4 or 1/8 scale as long as its short side keeps that length. Raises
        NotAnImage, NoPixelData, UnsuitableInput, CorruptPixels.
        """
        header, body = self._call({"call": "decode", "path": _absolute(path), "min_side": min_side})
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
        return bytes(self._call({**request, "window": chosen, "frame": frame})[1])

    def drawn(self, path: Path, stored_map: bytes, picture: Shown) -> bytes:
        """One of picture.DRAWN as PNG bytes: the DICOM photograph at `path` with a map (npy) that was stored of it.

        Raises what decode_dicom raises; CorruptPixels where the map cannot be read.
        """
        encoded = base64.b64encode(stored_map).decode("ascii")
        request: dict[str, object] = {"call": "drawn", "path": _absolute(path), "map": encoded, "picture": picture.kind}
        return bytes(self._call(request)[1])

    def wrap_photograph(self, source: Path, target: Path, identity: PhotographIdentity) -> WrappedPhotograph:
        """Write the JPEG, PNG or TIFF at `source` as a DICOM Ophthalmic Photography object to `target`; see wrap.py."""
        fields = {**asdict(identity), "acquired": None, "received": None}
        for name, moment in (("acquired", identity.acquired), ("received", identity.received)):
            fields[name] = moment.isoformat() if moment else None
        request: dict[str, object] = {"call": "wrap", "path": _absolute(source), "target": _absolute(target)}
        made = self._call({**request, "identity": fields})[0]["made"]
        if not isinstance(made, dict):
            raise errors.DecoderDied("the decoding process gave a broken answer")
        return WrappedPhotograph(**made)

    def facts(self, paths: Sequence[Path]) -> tuple[FileFacts, ...]:
        """Geometry and acquisition facts of DICOM images, in the order of `paths`; no pixel is read.

        Raises NotAnImage; its message never names a file.
        """
        found: list[FileFacts] = []
        for first in range(0, len(paths), _FILES_A_CALL):
            names = [_absolute(path) for path in paths[first : first + _FILES_A_CALL]]
            found.extend(file_facts(fields) for fields in json.loads(self._call({"call": "facts", "paths": names})[1]))
        return tuple(found)

    def frames(self, path: Path, indices: Sequence[int] | None = None) -> Frames:
        """Frames of a DICOM image, all where `indices` (from 0) is None, in the modality's units; see frame_pixels.py.

        Raises NotAnImage, NoPixelData, CorruptPixels, UnsuitableInput.
        """
        chosen = None if indices is None else list(indices)
        header, body = self._call({"call": "frames", "path": _absolute(path), "indices": chosen})
        return Frames(np.frombuffer(body, np.float32).reshape(_integers(header["shape"])))

    def nifti_header(self, path: Path) -> NiftiHeader:
        """Shape and place of a NIfTI volume; raises NotAnImage (code broken_nifti)."""
        header = self._call({"call": "nifti_header", "path": _absolute(path)})[0]
        affine = np.array(header["affine"], np.float64).reshape(4, 4)
        shape = _integers(header["shape"])
        return NiftiHeader(shape, affine, bool(header["has_place"]), float(str(header["agree_mm"])))

    def nifti(self, path: Path) -> Volume:
        """A NIfTI file's one volume, scaled as its header says; NaN stays.

        Raises NotAnImage, UnsuitableInput (several volumes, colours, too large), CorruptPixels.
        """
        header, body = self._call({"call": "nifti", "path": _absolute(path)})
        i, j, k = _integers(header["shape"])
        affine = np.array(header["affine"], np.float64).reshape(4, 4)
        return Volume(np.frombuffer(body, np.float32).reshape((i, j, k), order="F"), Grid((i, j, k), affine))

    def label_counts(self, path: Path, grid: Grid, numbers: Sequence[int]) -> dict[int, int]:
        """Voxels of each label in a NIfTI label map, which must lie on `grid` and hold 0 and `numbers` alone.

        Raises BadMask (mask_grid, mask_labels), NotAnImage (broken_nifti), CorruptPixels (truncated_pixels).
        """
        request: dict[str, object] = {"call": "label_counts", "path": _absolute(path), "numbers": list(numbers)}
        counted = self._call({**request, "shape": list(grid.shape), "affine": grid.affine.ravel().tolist()})[0]
        voxels = _integers(counted["voxels"])
        return dict(zip(numbers, voxels, strict=True))

    def kspace_header(self, path: Path) -> KspaceHeader:
        """Sizes, protocol and identity of raw MRI data in HDF5; no sample is read.

        Raises NotAnImage (not_kspace, truncated_hdf5, hdf5_refused, kspace_header) and UnsuitableInput.
        """
        return header_from_json(self._call({"call": "kspace_header", "path": _absolute(path)})[0])

    def kspace_survey(self, path: Path) -> Survey:
        """What a pass over all samples of raw MRI data finds; raises UnsuitableInput, see kspace_survey.py."""
        return survey_from_json(*self._call({"call": "kspace_survey", "path": _absolute(path)}))

    def kspace_planes(self, path: Path, coils: Sequence[int], start: int, stop: int) -> NDArray[np.complex64]:
        """Planes `start` to `stop` of raw data, (planes, coil, rows, columns) complex64, of the coils named."""
        request: dict[str, object] = {"call": "kspace_planes", "path": _absolute(path), "coils": list(coils)}
        header, body = self._call({**request, "start": start, "stop": stop})
        return np.frombuffer(body, np.complex64).reshape(_integers(header["shape"]))

    def kspace_reference(self, path: Path) -> NDArray[np.float32]:
        """The fully sampled images beside fastMRI's k-space, (slices, y, x) float32; raises UnsuitableInput."""
        header, body = self._call({"call": "kspace_reference", "path": _absolute(path)})
        return np.frombuffer(body, np.float32).reshape(_integers(header["shape"]))

    def start(self) -> None:
        """Start the child now, so that the first call need not wait for it."""
        with self._lock:
            self._started(time.monotonic() + self._timeout_s)

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is no child."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def close(self) -> None:
        """End the child; the next call starts another."""
        with self._lock:
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, request: dict[str, object]) -> tuple[dict[str, object], bytearray]:
        """Send one request and wait for its answer, a second time if a child that had served before ended on it.

        Such a child may have been killed while idle, or have been short of memory for another's sake; a picture that
        kills a fresh child is to blame itself.
        """
        with self._lock:
            was_running = self._child is not None
            try:
                return self._exchange(request)
            except errors.DecoderDied as error:
                if not was_running or error.code != errors.DecoderDied.code:
                    raise
            return self._exchange(request)

    def _exchange(self, request: dict[str, object]) -> tuple[dict[str, object], bytearray]:
        """One request and its answer; a broken exchange ends the child."""
        deadline = time.monotonic() + self._timeout_s
        child = self._started(deadline)
        text = json.dumps(request).encode()
        try:
            write_all(child, _LENGTH.pack(len(text)) + text)
            header, body = self._answer(child, deadline)
        except (BrokenPipeError, EOFError) as error:
            raise self._death(child) from error
        except TimeoutError as error:
            self._stop()
            raise errors.DecoderDied(
                "decoding the pixels took too long", code="decode_timeout", seconds=self._timeout_s
            ) from error
        except KeyboardInterrupt:
            self._stop()  # the answer would be taken for that of the next request
            raise
        if "error" in header:
            raise self._refusal(header)
        return header, body

    def _started(self, deadline: float) -> subprocess.Popen[bytes]:
        """The living child, a new one where there is none."""
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._stop()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        command = [sys.executable, "-m", "pipelines.imaging.decode_child", str(self._memory_bytes), str(os.getpid())]
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_CHECKOUT,
            env={**environment, **_ONE_THREAD},
        )
        _widen(self._child)
        try:
            self._answer(self._child, deadline)
        except (EOFError, TimeoutError) as error:
            raise self._death(self._child) from error
        return self._child

    def _answer(self, child: subprocess.Popen[bytes], deadline: float) -> tuple[dict[str, object], bytearray]:
        """The child's next message; raises EOFError or TimeoutError."""
        (length,) = _LENGTH.unpack(read_exactly(child, _LENGTH.size, deadline))
        if length > _HEADER_LIMIT:
            raise EOFError("not an answer")
        header = json.loads(read_exactly(child, length, deadline))
        size = int(header["bytes"])
        if size > self._memory_bytes:
            raise EOFError("not an answer")
        return header, read_exactly(child, size, deadline)

    def _refusal(self, header: dict[str, object]) -> errors.OverreadError:
        """The error that the child names."""
        kind = getattr(errors, str(header["error"]), errors.CorruptPixels)
        if kind is errors.OutOfMemory:
            self._stop()  # what it holds is fragmented; a fresh one begins with all its memory
        refusal: errors.OverreadError = kind(str(header["detail"]), code=str(header["code"]))
        return refusal

    def _death(self, child: subprocess.Popen[bytes]) -> errors.DecoderDied:
        """Why the child ended, as an error; and no child any more."""
        try:
            status = child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            status = 0
        self._stop()
        return errors.DecoderDied(signal=-status) if status < 0 else errors.DecoderDied(status=status)

    def _stop(self) -> None:
        """End the child, if any, and wait for it."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with suppress(BrokenPipeError):  # a request the child never read is still in the buffer
                if pipe is not None:
                    pipe.close()


def _widen(child: subprocess.Popen[bytes]) -> None:
    """Let a picture cross in a few large pieces: each of the usual 64 KiB costs two processes a turn on a busy core."""
    if sys.platform != "linux" or child.stdout is None:
        return
    with suppress(OSError):  # the user's pipes hold too much already: a smaller one serves, more slowly
        fcntl.fcntl(child.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _absolute(path: Path) -> str:
    """The child runs in another folder."""
    return str(path.absolute())


def _integers(value: object) -> tuple[int, ...]:
    """A JSON array of whole numbers."""
    return tuple(int(item) for item in value) if isinstance(value, list) else ()
