"""Takes a multipart/form-data body apart while it arrives: files go to the spool, short fields to memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pipelines.core.errors import BadInput, BodyTooLarge, MalformedBody, NotAnImage
from services.work.spool import Spool, SpooledFile, SpoolWriter

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MULTIPART: Final = "multipart/form-data"
FILES_FIELD: Final = "files"
#: A file without a name of its own is called this in the answer.
NAMELESS: Final = "file"
FIELD_BYTES: Final = 4096
FIELDS: Final = 10_000
NAME_CHARACTERS: Final = 512


class Receiver(Protocol):
    """Hears what the body holds, in the body's order."""

    def file(self, spooled: SpooledFile) -> None:
        """A file is whole."""

    def refused(self, name: str, size: int, error: BadInput) -> None:
        """A file is not whole: the body stopped in it, or it is past the limit for one file."""

    def field(self, name: str, value: str) -> None:
        """A form field."""


def boundary_of(content_type: str) -> bytes:
    """The boundary that a multipart Content-Type states; raises MalformedBody without one."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise MalformedBody("the Content-Type states no boundary")
    return boundary


class MultipartBody:
    """Feeds python-multipart's parser and turns its callbacks into files and fields.

    `feed` and `end` raise MalformedBody, after the receiver heard which file it hit, and what the receiver raises.
    """

    def __init__(self, boundary: bytes, spool: Spool, receiver: Receiver, max_file_bytes: int) -> None:
        """Nothing is read yet; raises MalformedBody for a boundary longer than RFC 2046 allows."""
        self._spool = spool
        self._receiver = receiver
        self._max_file_bytes = max_file_bytes
        self._part: _Part | None = None
        self._header_name = b""
        self._header_value = b""
        self._fields = 0
        self._complete = False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_header_name,
            "on_header_value": self._add_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_content,
            "on_part_data": self._add_content,
            "on_part_end": self._end_part,
            "on_end": self._end_body,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise MalformedBody("the boundary is too long") from error

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise self._broken("the body does not follow its boundary", "bad_multipart") from error

    def end(self) -> None:
        """The body has ended; raises MalformedBody (`truncated_body`) where its closing boundary did not come."""
        if not self._complete:
            raise self._broken("the body ended before its closing boundary", "truncated_body")

    def _broken(self, detail: str, code: str) -> MalformedBody:
        """The error, after the receiver has heard which file it hit."""
        part, self._part = self._part, None
        size = 0
        if part is not None and part.writer is not None:
            part.writer.discard()
            size = part.writer.bytes
        name = part.file_name if part is not None else ""
        self._receiver.refused(name or NAMELESS, size, NotAnImage(f"{detail}; this file is not whole", code=code))
        return MalformedBody(detail, code=code)

    def _begin_part(self) -> None:
        self._part = _Part()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._part is not None and self._header_name.lower() == b"content-disposition":
            self._part.described_by(self._header_value)
        self._header_name = self._header_value = b""

    def _begin_content(self) -> None:
        part = self._part
        # A part that states a file name is a file under whatever field; `files` without a name is one too.
        if part is not None and (part.is_file or part.field == FILES_FIELD):
            part.writer = self._spool.begin(part.file_name or NAMELESS)

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part is None or part.too_large:
            return
        if part.writer is None:
            part.text += data[start:end]
            if len(part.text) > FIELD_BYTES:
                raise BodyTooLarge("a form field is too long", code="field_too_large", limit=FIELD_BYTES)
            return
        part.writer.write(memoryview(data)[start:end])
        if part.writer.bytes > self._max_file_bytes:
            part.too_large = True

    def _end_part(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        if part.writer is None:
            self._fields += 1
            if self._fields > FIELDS:
                raise BodyTooLarge("the body has too many form fields", code="too_many_fields", limit=FIELDS)
            self._receiver.field(part.field, part.text.decode("utf-8", "replace"))
        elif part.too_large:
            part.writer.discard()
            error = BadInput("the file is past the limit for one file", code="file_too_large")
            self._receiver.refused(part.file_name or NAMELESS, part.writer.bytes, error)
        else:
            self._receiver.file(part.writer.finish())

    def _end_body(self) -> None:
        self._complete = True


class _Part:
    """One part while it arrives."""

    def __init__(self) -> None:
        self.field = ""
        self.file_name = ""
        self.is_file = False
        self.text = b""
        self.writer: SpoolWriter | None = None
        self.too_large = False

    def described_by(self, disposition: bytes) -> None:
        """Take over a Content-Disposition header; source: RFC 7578 section 4.2."""
        _, options = parse_options_header(disposition)
        self.field = options.get(b"name", b"").decode("utf-8", "replace")
        self.is_file = b"filename" in options
        self.file_name = options.get(b"filename", b"").decode("utf-8", "replace")[:NAME_CHARACTERS]
