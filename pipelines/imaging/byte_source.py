"""Where a walk over a DICOM file gets its bytes from: the file itself, or a deflate stream in bounded windows."""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final, Protocol

from pipelines.core.errors import NotAnImage

#: A deflated object may grow to so many bytes, and behind the first ones to so many times what was read of it: pictures
#: deflate to a half or a tenth, zeros to a thousandth. Only a window of it is held at a time.
MAX_INFLATED: Final = 500_000_000
_MAX_RATIO: Final = 200
_UNSUSPECTED: Final = 16_000_000
_CHUNK: Final = 65_536


class Source(Protocol):
    """Bytes that are read or skipped in order; `position` counts them."""

    position: int

    def read(self, count: int) -> bytes:
        """At most `count` bytes, fewer only at the end."""
        ...

    def skip(self, count: int) -> bool:
        """Leave out `count` bytes; False, standing at the end, where there are fewer."""
        ...


class PlainBytes:
    """Bytes of a file of known size, from where it stands."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.position = file.tell()

    def read(self, count: int) -> bytes:
        data = self._file.read(count)
        self.position += len(data)
        return data

    def skip(self, count: int) -> bool:
        """Whether there were that many; where not, it stands at the end."""
        target = min(self.position + count, self._size)
        complete = self.position + count <= self._size
        self._file.seek(target)
        self.position = target
        return complete


class InflatedBytes:
    """The bytes that a raw deflate stream gives, RFC 1951, in windows."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        self._window = b""
        self.position = 0
        self._taken = self._given = 0

    def read(self, count: int) -> bytes:
        while len(self._window) < count and self._more():
            pass
        data, self._window = self._window[:count], self._window[count:]
        self.position += len(data)
        return data

    def skip(self, count: int) -> bool:
        left = count
        while left:
            step = len(self.read(min(left, _CHUNK)))
            if not step:
                return False
            left -= step
        return True

    def _more(self) -> bool:
        """Inflate another piece; whether there was one."""
        source = self._stream.unconsumed_tail
        if not source:
            source = self._file.read(_CHUNK)
            self._taken += len(source)
        try:
            piece = self._stream.decompress(source, _CHUNK)
        except zlib.error as error:
            raise NotAnImage("the deflated data set is broken", code="truncated_header") from error
        self._given += len(piece)
        if self._given > min(MAX_INFLATED, max(_UNSUSPECTED, _MAX_RATIO * self._taken)):
            raise NotAnImage("the deflated data set grows without bound", code="nesting_bomb")
        self._window += piece
        return bool(piece) or (bool(source) and not self._stream.eof)
