"""Where the objects of one study land that an archive sends us: files, handed on one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE

from pipelines.core.errors import CANNOT_UNDERSTAND, NotAnImage, OverreadError
from pipelines.imaging.dicom import read_header
from services.archive.arriving import SUCCESS, Arriving, be_wary
from services.archive.base import CHUNK_BYTES


class FileSink:
    """A file in a folder that goes away with the fetch."""

    def __init__(self, path: Path) -> None:
        """Creates the file."""
        self.path = path
        self._file = path.open("xb")

    def write(self, data: bytes) -> None:
        """Append."""
        self._file.write(data)

    def finish(self) -> Path:
        """The whole file."""
        self._file.close()
        return self.path

    def discard(self) -> None:
        """Forget the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class Landing:
    """Where a study's objects arrive: files in `folder`, in `arrived` once they are whole; nothing else is taken."""

    def __init__(self, folder: Path, study_uid: str, max_bytes: int) -> None:
        """`error` is the first reason for which an object was not taken."""
        self.arrived: deque[Path] = deque()
        self.error: OverreadError | None = None
        self._folder = folder
        self._study_uid = study_uid
        self._max_bytes = max_bytes
        self._names = count(1)
        self._arriving: dict[Association, Arriving[FileSink]] = {}

    def handlers(self) -> list[evt.EventHandlerType]:
        """What an association needs to land objects here."""
        return [
            (evt.EVT_CONN_OPEN, be_wary),
            (evt.EVT_PDU_RECV, lambda event: self._of(event).on_pdu(event)),
            (evt.EVT_DIMSE_RECV, lambda event: self._of(event).on_message(event)),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_CONN_CLOSE, lambda event: self._of(event).close()),
        ]

    def _of(self, event: evt.Event) -> Arriving[FileSink]:
        return self._arriving.setdefault(event.assoc, Arriving(self._begin, self._max_bytes))

    def _begin(self) -> FileSink:
        return FileSink(self._folder / str(next(self._names)))

    def _store(self, event: evt.Event) -> int:
        assert isinstance(event.request, C_STORE)  # what this event is about
        try:
            path = self._of(event).take(event.request.MessageID or 0).finish()
        except OverreadError as error:
            self.error = self.error or error
            return error.dimse_status
        # Whoever knows the port can send to it, so what is of another study is not what was asked for.
        if _study_uid(path) not in {None, self._study_uid}:
            path.unlink()
            return CANNOT_UNDERSTAND
        self.arrived.append(path)
        return SUCCESS


def _study_uid(path: Path) -> str | None:
    """The study of an object; None where it cannot be read, which intake has a word for."""
    try:
        return read_header(path).study_instance_uid
    except NotAnImage:
        return None


def read_once(path: Path) -> Iterator[bytes]:
    """A file that is removed when it was read, or left."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    finally:
        path.unlink(missing_ok=True)
