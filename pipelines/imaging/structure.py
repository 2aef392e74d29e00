"""Walks the elements of a DICOM file without recursion, building no objects; source: PS3.5 7 and Annex A, PS3.10.

Everything a web process needs to know of a hostile file comes from here: how deep it is nested, whether every length
fits, where its pixels are, and the bytes of a few wanted elements. Values are skipped, never held.
"""

from __future__ import annotations

import struct
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from pydicom.datadict import dictionary_VR

from pipelines.core.errors import NotAnImage
from pipelines.imaging.byte_source import InflatedBytes, PlainBytes, Source
from pipelines.imaging.content import Listener

#: Real objects nest fewer than 20 levels (large SR trees); pydicom takes about five Python frames a level of 1,000.
MAX_DEPTH: Final = 50
#: Twenty times an enhanced MR object of 200 frames; a second of walking.
MAX_ELEMENTS: Final = 500_000
#: Wanted values are short strings and numbers; longer ones are skipped.
_MAX_VALUE: Final = 4096

EXPLICIT_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
#: The second is GE's private syntax: as the first, but for the pixels' byte order.
IMPLICIT: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.113619.5.2"})
DEFLATED: Final = "1.2.840.10008.1.2.1.99"  # PS3.5 A.5

_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_BULK_VRS: Final = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW"})
_SHORT_VRS: Final = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT"}
    | {b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
)
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_UNDEFINED: Final = 0xFFFFFFFF
_MEDIA_CLASS: Final = 0x00020002
_TRANSFER_SYNTAX: Final = 0x00020010
PIXEL_TAGS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})  # float, double float, integer


@dataclass(frozen=True, slots=True)
class PixelElement:
    """The pixel data: bytes in the file; for encapsulated data the bytes and number of its fragments."""

    tag: int
    length: int
    is_encapsulated: bool
    fragments: int
    is_complete: bool


@dataclass(slots=True)
class Structure:
    """What a walk found: the transfer syntax, the wanted top-level values, the pixel data.

    `is_regular` is False where readers may disagree on what belongs where.
    """

    transfer_syntax: str
    media_class: str
    values: dict[int, bytes] = field(default_factory=dict)
    pixels: PixelElement | None = None
    is_regular: bool = True

    @property
    def is_big_endian(self) -> bool:
        """Whether numbers are stored most significant byte first."""
        return self.transfer_syntax == EXPLICIT_BIG_ENDIAN


def walk(
    file: BinaryIO, size: int, known: AbstractSet[str], wanted: AbstractSet[int], listener: Listener | None = None
) -> Structure:
    """Walk a whole DICOM file that stands just behind its DICM prefix, `size` bytes long in all.

    `listener` hears of everything behind the file meta information.

    Raises NotAnImage with code unknown_transfer_syntax, truncated_header or nesting_bomb.
    """
    source = PlainBytes(file, size)
    meta = _Walk(source, Listener(), False, False, frozenset({_TRANSFER_SYNTAX, _MEDIA_CLASS}))
    first = meta.run_group(0x0002)
    texts = {tag: value.rstrip(b"\0 ").decode("ascii", "replace") for tag, value in meta.values.items()}
    text = texts.get(_TRANSFER_SYNTAX, "")
    structure = Structure(text, texts.get(_MEDIA_CLASS, ""))
    if not meta.values and not first:
        raise _truncated()
    if text not in known:
        raise NotAnImage("the transfer syntax is missing or unknown", code="unknown_transfer_syntax")
    body: Source = source
    if text == DEFLATED:
        file.seek(source.position - len(first))
        body, first = InflatedBytes(file), b""
    dataset = _Walk(body, listener or Listener(), text in IMPLICIT, structure.is_big_endian, wanted)
    dataset.run(first)
    structure.values, structure.pixels = dataset.values, dataset.pixels
    structure.is_regular = dataset.is_regular
    return structure


@dataclass(slots=True)
class _Level:
    """An open sequence or data set: where it ends (None: at its delimiter) and how it is coded inside."""

    end: int | None
    is_sequence: bool
    is_implicit: bool


class _Walk:
    """One pass over a data set's elements with a stack of its own."""

    def __init__(
        self, source: Source, listener: Listener, is_implicit: bool, is_big_endian: bool, wanted: AbstractSet[int]
    ) -> None:
        self._source = source
        self._listener = listener
        self._endian = ">" if is_big_endian else "<"
        self._stack = [_Level(None, False, is_implicit)]
        self._wanted = wanted
        self._count = 0
        self.values: dict[int, bytes] = {}
        self.pixels: PixelElement | None = None
        self.is_regular = True
        self._tag = struct.Struct(self._endian + "HH")
        self._long = struct.Struct(self._endian + "L")
        self._short = struct.Struct(self._endian + "H")

    def run_group(self, group: int) -> bytes:
        """Walk the elements of one group at the beginning; gives the head of the first element behind it."""
        while head := self._source.read(8):
            if len(head) < 8:
                raise _truncated()
            if self._tag.unpack_from(head)[0] != group:
                return head
            self._element(head)
        return b""

    def run(self, first: bytes) -> None:
        """Walk to the end of the file; broken bytes behind the pixel data are let be, readers stop before them."""
        head = first or self._source.read(8)
        while head:
            try:
                self._step(head)
            except NotAnImage as error:
                if self.pixels is None or error.code != "truncated_header":
                    raise
                self.is_regular = False
                return
            self._close_levels()
            head = self._source.read(8)
        if len(self._stack) > 1 and self.pixels is None and any(level.end is not None for level in self._stack[1:]):
            raise _truncated()
        self.is_regular &= len(self._stack) == 1

    def _step(self, head: bytes) -> None:
        """One element, item or delimiter."""
        if len(head) < 8:
            raise _truncated()
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise NotAnImage("the object has too many elements", code="nesting_bomb", limit=MAX_ELEMENTS)
        group, element = self._tag.unpack_from(head)
        tag = group << 16 | element
        if tag == _ITEM and self._stack[-1].is_sequence:
            self._listener.item()
            self._open(self._long.unpack_from(head, 4)[0], is_sequence=False, is_implicit=self._stack[-1].is_implicit)
        elif tag == _SEQUENCE_END:
            self._must_delimit(is_sequence=True)
            while len(self._stack) > 1 and not self._leave().is_sequence:
                pass
        elif tag == _ITEM_END:
            self._must_delimit(is_sequence=False)
            if len(self._stack) > 1 and not self._stack[-1].is_sequence:
                self._leave()
        elif self._stack[-1].is_sequence:
            raise NotAnImage("a sequence holds something that is no item", code="truncated_header")
        else:
            self._element(head)

    def _must_delimit(self, is_sequence: bool) -> None:
        """A delimiter belongs to the end of such a level that states no length."""
        level = self._stack[-1]
        self.is_regular &= len(self._stack) > 1 and level.end is None and level.is_sequence == is_sequence

    def _leave(self) -> _Level:
        self._listener.leave()
        return self._stack.pop()

    def _element(self, head: bytes) -> None:
        """A data element whose first eight bytes are `head`."""
        group, element = self._tag.unpack_from(head)
        tag = group << 16 | element
        vr, length = self._length(head, tag)
        if tag in PIXEL_TAGS and len(self._stack) == 1:
            self._pixel_data(tag, length)
        elif length == _UNDEFINED and vr in _BULK_VRS:
            self._fragments(tag)
        elif length == _UNDEFINED or vr == b"SQ":
            # PS3.5 6.2.2 note 2: UN of undefined length is a sequence coded implicitly.
            self._listener.sequence(tag)
            self._open(length, is_sequence=True, is_implicit=self._stack[-1].is_implicit or vr == b"UN")
        elif tag in self._wanted and len(self._stack) == 1 and length <= _MAX_VALUE:
            value = self._source.read(length)
            if len(value) < length:
                raise _truncated()
            self.values.setdefault(tag, value)
            self._listener.value(tag, length)
            self._listener.held(value)
        elif not self._pass(tag, length):
            raise _truncated()

    def _pass(self, tag: int, length: int) -> bool:
        """Leave out a value; False, standing at the end, where it is not whole."""
        self._listener.value(tag, length)
        return self._listener.take(self._source, length)

    def _length(self, head: bytes, tag: int) -> tuple[bytes, int]:
        """The VR and the length; as in pydicom, two bytes that cannot be a VR mean an implicitly coded element."""
        vr = head[4:6]
        if self._stack[-1].is_implicit or not (vr in _LONG_VRS or vr in _SHORT_VRS or b"AA" <= vr <= b"ZZ"):
            return _public_vr(tag), int(self._long.unpack_from(head, 4)[0])
        if vr not in _LONG_VRS:
            return vr, int(self._short.unpack_from(head, 6)[0])
        extra = self._source.read(4)
        if len(extra) < 4:
            raise _truncated()
        return vr, int(self._long.unpack(extra)[0])

    def _open(self, length: int, is_sequence: bool, is_implicit: bool) -> None:
        """Go one level down."""
        if len(self._stack) > 2 * MAX_DEPTH:
            raise NotAnImage("the object is nested too deeply", code="nesting_bomb", limit=MAX_DEPTH)
        end = None if length == _UNDEFINED else self._source.position + length
        self._stack.append(_Level(end, is_sequence, is_implicit))
        self._close_levels()

    def _close_levels(self) -> None:
        """Leave every level whose stated length is used up."""
        while len(self._stack) > 1:
            end = self._stack[-1].end
            if end is None or self._source.position < end:
                return
            self.is_regular &= self._source.position == end
            self._leave()

    def _pixel_data(self, tag: int, length: int) -> None:
        if length == _UNDEFINED:
            count, total, is_complete = self._fragments(tag)
            self.pixels = PixelElement(tag, total, True, count, is_complete)
            return
        begin = self._source.position
        is_complete = self._pass(tag, length)
        self.pixels = PixelElement(tag, self._source.position - begin, False, 1, is_complete)

    def _fragments(self, tag: int) -> tuple[int, int, bool]:
        """Skip encapsulated fragments, PS3.5 A.4: their number and bytes, and whether the last one is whole."""
        self._listener.fragments(tag)
        count = total = 0
        is_table = True
        while len(head := self._source.read(8)) == 8:
            group, element = self._tag.unpack_from(head)
            length = self._long.unpack_from(head, 4)[0]
            if (group << 16 | element) != _ITEM or length == _UNDEFINED:
                return count, total, (group << 16 | element) == _SEQUENCE_END
            begin = self._source.position
            self._listener.fragment(length)
            is_whole = self._listener.take(self._source, length)
            if not is_table:  # the first item is the offset table
                count, total = count + 1, total + self._source.position - begin
            is_table = False
            if not is_whole:
                return count, total, False
            self._count += 1
            if self._count > MAX_ELEMENTS:
                raise NotAnImage("the pixel data has too many fragments", code="nesting_bomb", limit=MAX_ELEMENTS)
        # Readers take a stream whose closing delimiter is missing, if it ends between two fragments.
        return count, total, not head and count > 0


def _public_vr(tag: int) -> bytes:
    """The VR that PS3.6 gives a tag, UN where it gives none."""
    try:
        return dictionary_VR(tag).encode()[:2]
    except KeyError:
        return b"UN"


def _truncated() -> NotAnImage:
    return NotAnImage("the file ends inside its header", code="truncated_header")
