"""What the reading process and a trusted bundle's closed process say: JSON and raw float32, never pickles.

A message is four bytes of length (big endian), that many bytes of JSON, and `bytes` raw bytes behind it. Arrays are
described by their shape, in the order in which their bytes follow.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LENGTH: Final = struct.Struct(">I")
HEADER_BYTES: Final = 1_000_000

Header = Mapping[str, Any]  # JSON
Array = NDArray[np.float32]
#: Reads exactly so many bytes; raises EOFError.
Read = Callable[[int], bytes | bytearray]


def packed(header: Mapping[str, object], arrays: Sequence[Array] = ()) -> bytes:
    """A whole message."""
    body = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays)
    told = {**header, "shapes": [list(array.shape) for array in arrays], "bytes": len(body)}
    text = json.dumps(told).encode()
    return LENGTH.pack(len(text)) + text + body


def unpacked(read: Read, most_bytes: int) -> tuple[Header, list[Array]]:
    """The next message; raises EOFError where the stream ends or what comes is no message, or too large a one."""
    (length,) = LENGTH.unpack(read(LENGTH.size))
    if length > HEADER_BYTES:
        raise EOFError("not a message")
    try:
        header = json.loads(bytes(read(length)))
        shapes = [tuple(int(side) for side in shape) for shape in header["shapes"]]
        size = int(header["bytes"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EOFError("not a message") from error
    if (
        size > most_bytes
        or size != 4 * sum(math.prod(shape) for shape in shapes)
        or any(min(s, default=0) < 0 for s in shapes)
    ):
        raise EOFError("not a message")
    body, arrays, begin = read(size), [], 0
    for shape in shapes:
        count = math.prod(shape)
        arrays.append(np.frombuffer(body, "<f4", count, begin).reshape(shape))
        begin += 4 * count
    return header, arrays
