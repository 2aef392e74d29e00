"""The digest of what a DICOM object says, however it is coded: equal for the same object by another route.

Archives and networks rewrite what carries an object and not the object: the file meta information, explicit or implicit
VRs, stated or delimited lengths of sequences, group lengths, padding, deflate. None of it counts here. Values count
byte by byte, and so do compressed frames.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Final

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pipelines.imaging.byte_source import Source

#: PS3.5 Annex A: they code the same values.
_ONE_CODING: Final = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian})
#: Begins every digest: another rule than this one gives other digests.
_RULE: Final = b"overread content 1"
_EVENT: Final = struct.Struct("<cLL")  # kind, tag, length
_TRAILING_PADDING: Final = 0xFFFCFFFC  # PS3.10 7.2
#: Values are read by pieces of this size.
_PIECE: Final = 1024**2


class Listener:
    """Hears of each element of a walk, in order, and takes its value from the source; this one passes over all."""

    def value(self, tag: int, length: int) -> None:
        """A value follows."""

    def held(self, data: bytes) -> None:
        """The walk has read the value itself."""

    def take(self, source: Source, length: int) -> bool:
        """Pass over the bytes of a value or fragment; False, at the end of the source, where they are not all there."""
        return source.skip(length)

    def fragments(self, tag: int) -> None:
        """Compressed data follows in fragments."""

    def fragment(self, length: int) -> None:
        """A fragment follows."""

    def sequence(self, tag: int) -> None:
        """A sequence begins, however its length is coded."""

    def item(self) -> None:
        """An item of the open sequence begins."""

    def leave(self) -> None:
        """The innermost item or sequence ends."""


class Content(Listener):
    """Digests what it hears; what precedes each value says its length, so that no two objects run into one."""

    def __init__(self) -> None:
        """Nothing was heard."""
        self._digest = hashlib.sha256()
        self._counts = True

    def hexdigest(self, transfer_syntax: str) -> str:
        """The digest of all that was heard, for values coded so."""
        coding = b"" if transfer_syntax in _ONE_CODING else transfer_syntax.encode()
        return hashlib.sha256(b"%b:%b:%b" % (_RULE, coding, self._digest.digest())).hexdigest()

    def value(self, tag: int, length: int) -> None:
        # A group length (PS3.5 7.2) and the padding at the end are of the file, not of the object.
        self._counts = bool(tag & 0xFFFF) and tag != _TRAILING_PADDING
        if self._counts:
            self._digest.update(_EVENT.pack(b"v", tag, length))

    def held(self, data: bytes) -> None:
        if self._counts:
            self._digest.update(data)

    def take(self, source: Source, length: int) -> bool:
        left = length
        while left and (piece := source.read(min(left, _PIECE))):
            self.held(piece)
            left -= len(piece)
        return not left

    def fragments(self, tag: int) -> None:
        self._event(b"c", tag)

    def fragment(self, length: int) -> None:
        self._event(b"f", 0, length)

    def sequence(self, tag: int) -> None:
        self._event(b"s", tag)

    def item(self) -> None:
        self._event(b"i")

    def leave(self) -> None:
        self._event(b"e")

    def _event(self, kind: bytes, tag: int = 0, length: int = 0) -> None:
        self._counts = True
        self._digest.update(_EVENT.pack(kind, tag, length))
