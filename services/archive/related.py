"""Takes a multipart/related answer apart while it comes (RFC 2387, PS3.18 8.6.1.2): one file after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pipelines.core.errors import SourceUnavailable
from services.archive.base import FetchedFile

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # exists for type checkers alone

MULTIPART = "multipart/related"


class _Begin:
    """A part begins."""


class _End:
    """A part is whole."""


class RelatedParts:
    """The files of one answer; each is read, or dropped, before the next one is looked for."""

    def __init__(self, boundary: bytes, pieces: Iterator[bytes], name: str) -> None:
        """`pieces` are the answer's body as it comes; every file is called `name`. Raises SourceUnavailable."""
        self._pieces = pieces
        self._name = name
        self._events: deque[_Begin | _End | bytes] = deque()
        self._is_whole = False
        callbacks: MultipartCallbacks = {
            "on_headers_finished": lambda: self._events.append(_Begin()),
            "on_part_data": lambda data, start, end: self._events.append(data[start:end]),
            "on_part_end": lambda: self._events.append(_End()),
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise SourceUnavailable("the archive's answer has no usable boundary") from error

    def files(self) -> Iterator[FetchedFile]:
        """Each part as a file. Raises SourceUnavailable where the answer breaks off, also while `chunks` are read."""
        while (event := self._next()) is not None:
            if isinstance(event, _Begin):
                chunks = self._chunks()
                yield FetchedFile(self._name, chunks)
                for _ in chunks:  # what nobody read
                    pass

    def _chunks(self) -> Iterator[bytes]:
        while not isinstance(event := self._next(), _End):
            if event is None:
                raise SourceUnavailable("the archive's answer broke off")
            if isinstance(event, bytes):
                yield event

    def _next(self) -> _Begin | _End | bytes | None:
        """What comes next; None behind the closing boundary."""
        while not self._events:
            piece = next(self._pieces, None)
            if piece is None and not self._is_whole:
                raise SourceUnavailable("the archive's answer broke off")
            if piece is None:
                return None
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise SourceUnavailable("the archive's answer does not follow its boundary") from error
        return self._events.popleft()

    def _end(self) -> None:
        self._is_whole = True


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a multipart/related answer; None where it is something else."""
    media_type, options = parse_options_header(content_type)
    return options.get(b"boundary") if media_type.decode("latin-1") == MULTIPART else None
