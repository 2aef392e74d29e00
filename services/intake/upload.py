"""One request's body on its way through: parsed, spooled and taken in, and answered however it ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from typing import Final, Protocol

from python_multipart.multipart import parse_options_header

from pipelines.core.errors import (
    BadInput,
    BodyTooLarge,
    DatabaseUnavailable,
    MalformedBody,
    OverreadError,
    StorageFull,
    Unavailable,
    UnsupportedMedia,
)
from pipelines.core.receipt import digest
from services.intake.answers import Answer, answer, refusal
from services.intake.asked import Asked
from services.intake.multipart import MULTIPART, NAMELESS, MultipartBody, Receiver, boundary_of
from services.work.places import Parts, Received
from services.work.spool import Spool, SpooledFile
from services.work.submission import Submission
from services.work.watermarks import sound

#: Raw bodies: RFC 3240, and what archives are commonly called. What the bytes are decides, as everywhere.
RAW_TYPES: Final = frozenset(
    {"application/dicom", "application/zip", "application/x-tar", "application/gzip", "application/x-gzip"}
)


class Body(Protocol):
    """A request body being taken apart."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""

    def end(self) -> None:
        """There are no more."""


class RawBody:
    """A body that is one file."""

    def __init__(self, spool: Spool, receiver: Receiver, max_file_bytes: int) -> None:
        """Creates the file; raises StorageFull."""
        self._writer = spool.begin(NAMELESS)
        self._receiver = receiver
        self._max_file_bytes = max_file_bytes

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raises BodyTooLarge past the limit of one file."""
        self._writer.write(data)
        if self._writer.bytes > self._max_file_bytes:
            raise BodyTooLarge("the file is past the limit", code="file_too_large", limit=self._max_file_bytes)

    def end(self) -> None:
        """The file is whole."""
        self._receiver.file(self._writer.finish())


def body_of(content_type: str, spool: Spool, receiver: Receiver, max_file_bytes: int) -> Body:
    """The parser for a Content-Type; raises UnsupportedMedia, MalformedBody."""
    media_type = parse_options_header(content_type)[0].decode("latin-1")
    if media_type == MULTIPART:
        return MultipartBody(boundary_of(content_type), spool, receiver, max_file_bytes)
    if media_type in RAW_TYPES:
        return RawBody(spool, receiver, max_file_bytes)
    raise UnsupportedMedia(f"send {MULTIPART} with the field `files`, or {', '.join(sorted(RAW_TYPES))}")


class Digesting:
    """Hears a body and keeps nothing but what makes it the same request: names, digests and fields, in order."""

    def __init__(self, asked: Asked) -> None:
        """`asked` is the query, which is part of the request."""
        self._facts: list[object] = [asked.model_dump(mode="json")]

    def file(self, spooled: SpooledFile) -> None:
        """A file, which is dropped."""
        self.note_file(spooled)
        spooled.path.unlink()

    def note_file(self, spooled: SpooledFile) -> None:
        """A file that somebody else takes care of."""
        self._facts.append([spooled.name, spooled.sha256])

    def refused(self, name: str, size: int, error: BadInput) -> None:
        """A file that is not whole."""
        self._facts.append([name, size, error.code])

    def field(self, name: str, value: str) -> None:
        """A form field."""
        self._facts.append({name: value})

    @property
    def digest(self) -> str:
        """sha256 of the request so far."""
        return digest(self._facts)


class Upload:
    """Hears a body and takes its files in."""

    def __init__(self, parts: Parts, spool: Spool, asked: Asked, pipelines: Collection[str]) -> None:
        """`pipelines` are all names; raises BadInput where the query asks for something there is not."""
        self._parts = parts
        self._asked = asked
        self._pipelines = pipelines
        self._fields: defaultdict[str, list[str]] = defaultdict(list)
        self._submission = Submission(parts, spool, asked.wishes(pipelines))
        self._digesting = Digesting(asked)

    @property
    def digest(self) -> str:
        """sha256 of the request so far: its query, fields, and the names and digests of its files."""
        return self._digesting.digest

    def file(self, spooled: SpooledFile) -> None:
        """A file is whole."""
        self._digesting.note_file(spooled)
        self._submission.add(spooled)

    def refused(self, name: str, size: int, error: BadInput) -> None:
        """A file never became whole, or is past the limit."""
        self._digesting.refused(name, size, error)
        self._submission.refuse(name, size, error)

    def field(self, name: str, value: str) -> None:
        """A form field: it may come before or after the files it speaks of."""
        self._digesting.field(name, value)
        self._fields[name].append(value)
        self._submission.wishes = self._asked.with_fields(self._fields).wishes(self._pipelines)

    def finish(self) -> Answer:
        """The body was whole: take in, close, answer. Raises Unavailable."""
        self._submission.take_in()
        self._submission.close()
        return answer(self._submission.received())

    def stop(self, error: OverreadError) -> Answer:
        """The body ends here for a reason: keep the files that were whole, and say so beside the reason.

        Studies are left to the quiet time, since more was to come. Where the database is away the studies are left out.
        """
        try:
            self._submission.take_in()
        except Unavailable as another:
            error = another
        if isinstance(error, StorageFull):
            sound(self._parts.store, error)
        received = self._received()
        if isinstance(error, MalformedBody) and received.files:
            return answer(received)
        # A disk too full for the note of it must not hide that it is full.
        with suppress(DatabaseUnavailable):
            self._submission.refuse_request(error)
        return refusal(error, received)

    def _received(self) -> Received:
        try:
            return self._submission.received()
        except DatabaseUnavailable:
            return Received(self._submission.files(), ())
