"""The child process that decodes pixels: what it can be asked by decoder.py; never imports torch."""

from __future__ import annotations

import base64
import errno
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image
from pydicom.errors import BytesLengthException, InvalidDicomError

from pipelines.core.errors import (
    BadInput,
    CorruptPixels,
    NotAnImage,
    OutOfMemory,
    OverreadError,
    StorageFull,
    UnsuitableInput,
)
from pipelines.core.limited_child import Answer, Request, refusal, serve
from pipelines.core.types import Laterality
from pipelines.imaging.frame_headers import read_facts
from pipelines.imaging.frame_pixels import read_frames
from pipelines.imaging.overlay import drawn_again
from pipelines.imaging.photograph import PhotographIdentity
from pipelines.imaging.picture import DRAWN, Window
from pipelines.imaging.pixels import decode, fitted, render
from pipelines.imaging.sniff import MediaKind, sniff_file
from pipelines.imaging.taken import from_text
from pipelines.imaging.wrap import camera_clock, wrap

#: What pydicom, its decoders, Pillow, NumPy and zlib raise on bytes that they cannot read. Anything else ends the
#: child, which the parent reports as DecoderDied.
_COMPLAINTS: Final = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    OSError,
    struct.error,
    zlib.error,
    cv2.error,
)

#: The picture is well, but the disk it is written to anew is not.
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def main() -> None:
    """Serve requests from standard input until it closes."""
    cv2.setNumThreads(1)
    serve(_answer)


def _answer(request: Request, _body: bytes) -> Answer:
    """One request to its answer, or to the error that stands for it; messages never hold a file's name."""
    try:
        return _CALLS[str(request["call"])](request)
    except OverreadError as error:
        return refusal(error)
    except RecursionError:
        return refusal(NotAnImage("the object is nested too deeply", code="nesting_bomb"))
    except MemoryError:
        return refusal(OutOfMemory("decoding the pixels needs more memory than it may have"))
    except Image.DecompressionBombError:
        return refusal(UnsuitableInput("the picture's size is absurd"))
    except _COMPLAINTS as error:
        if isinstance(error, cv2.error) and error.code == cv2.Error.STS_NO_MEM:
            return refusal(OutOfMemory("decoding the pixels needs more memory than it may have"))
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return refusal(StorageFull())
        return refusal(CorruptPixels())


def _decode(request: Request) -> Answer:
    picture = decode(_path(request, "path"), _number(request, "min_side"))
    array = np.ascontiguousarray(picture.array)
    header: dict[str, object] = {
        "shape": list(array.shape),
        "original_shape": list(picture.original_shape),
        "scale": picture.scale,
        "camera": picture.camera,
    }
    return header, array.data.cast("B")


def _render(request: Request) -> Answer:
    window = request["window"]
    chosen = Window(float(window[0]), float(window[1])) if isinstance(window, list) else None
    frame = _number(request, "frame") or 0
    path, width = _path(request, "path"), _number(request, "width")
    kind = sniff_file(path)
    if kind in {MediaKind.NIFTI, MediaKind.GZIP, MediaKind.HDF5}:
        from pipelines.imaging import foreign_render  # its libraries take 0.4 s, which most children never need

        foreign = MediaKind.HDF5 if kind is MediaKind.HDF5 else MediaKind.NIFTI
        return {}, foreign_render.render_foreign(path, foreign, width)
    if kind.is_photograph:
        return {}, fitted(path, width)
    return {}, render(path, width, chosen, frame)


def _drawn(request: Request) -> Answer:
    wanted = next(picture for picture in DRAWN if picture.kind == request["picture"])
    stored = base64.b64decode(str(request["map"]), validate=True)
    return {}, memoryview(drawn_again(_path(request, "path"), stored, wanted))


def _wrap(request: Request) -> Answer:
    fields = request["identity"]
    if not isinstance(fields, dict):
        raise BadInput("a photograph needs an identity")
    made = wrap(_path(request, "path"), _path(request, "target"), identity_from(fields))
    return {"made": asdict(made)}, b""


def _camera_clock(request: Request) -> Answer:
    return {"text": camera_clock(_path(request, "path"))}, b""


def _facts(request: Request) -> Answer:
    paths = request["paths"]
    if not isinstance(paths, list):
        raise BadInput("facts are asked of several files")
    return {}, json.dumps([asdict(read_facts(Path(str(path)))) for path in paths]).encode()


def _frames(request: Request) -> Answer:
    indices = request["indices"]
    frames = read_frames(_path(request, "path"), [int(each) for each in indices] if isinstance(indices, list) else None)
    return {"shape": list(frames.shape)}, frames.data.cast("B")


def _nifti_header(request: Request) -> Answer:
    from pipelines.imaging import nifti_child  # takes 0.2 s, which most children never need

    header = nifti_child.read_nifti_header(_path(request, "path"))
    return {**asdict(header), "affine": header.affine.ravel().tolist()}, b""


def _nifti(request: Request) -> Answer:
    from pipelines.imaging import nifti_child  # as above

    header = nifti_child.read_nifti_header(_path(request, "path"))
    values = np.asfortranarray(nifti_child.read_nifti(_path(request, "path")))
    fields: dict[str, object] = {"shape": list(values.shape), "affine": header.affine.ravel().tolist()}
    return fields, values.T.data.cast("B")


def _label_counts(request: Request) -> Answer:
    from pipelines.imaging import mask_child  # as above

    return {"voxels": mask_child.label_counts(_path(request, "path"), mask_child.wanted_from(request))}, b""


def _kspace(request: Request) -> Answer:
    from pipelines.imaging import kspace_child  # loads HDF5, 0.2 s, which most children never need

    try:
        return kspace_child.CALLS[str(request["call"])](request)
    except _COMPLAINTS as error:
        raise NotAnImage("the HDF5 file is damaged", code="damaged_hdf5") from error


_CALLS: Final[Mapping[str, Callable[[Request], Answer]]] = {
    "decode": _decode,
    "render": _render,
    "drawn": _drawn,
    "wrap": _wrap,
    "camera_clock": _camera_clock,
    "facts": _facts,
    "frames": _frames,
    "nifti_header": _nifti_header,
    "nifti": _nifti,
    "label_counts": _label_counts,
    "kspace_header": _kspace,
    "kspace_survey": _kspace,
    "kspace_planes": _kspace,
    "kspace_reference": _kspace,
}


def identity_from(fields: Mapping[str, str | int | None]) -> PhotographIdentity:
    """A PhotographIdentity back from the JSON that decoder.py makes of it."""
    names = ("laterality", "acquired", "study_taken", "received")
    laterality, acquired, study_taken, received = (fields[name] for name in names)
    return PhotographIdentity(
        patient_id=str(fields["patient_id"]),
        study_instance_uid=str(fields["study_instance_uid"]),
        laterality=Laterality(str(laterality)) if laterality else None,
        issuer=str(fields["issuer"]) if fields["issuer"] else None,
        instance_number=int(fields["instance_number"] or 1),
        acquired=from_text(str(acquired)) if acquired else None,
        by_camera=bool(fields["by_camera"]),
        study_taken=from_text(str(study_taken)) if study_taken else None,
        received=datetime.fromisoformat(str(received)) if received else None,
    )


def _path(request: Request, name: str) -> Path:
    return Path(str(request[name]))


def _number(request: Request, name: str) -> int | None:
    value = request[name]
    return value if isinstance(value, int) else None


if __name__ == "__main__":
    main()
