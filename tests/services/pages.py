"""The words of a PDF that reportlab made with the standard fonts, in the order they were drawn."""

from __future__ import annotations

import base64
import re
import zlib

STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
SHOWN = re.compile(rb"\(((?:[^()\\]|\\.)*)\) Tj", re.DOTALL)
ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)


def words_of(pdf: bytes) -> str:
    """All text, a space between two strings."""
    shown = [text for stream in STREAM.findall(pdf) for text in SHOWN.findall(_opened(stream))]
    return " ".join(ESCAPE.sub(_letter, text).decode("cp1252") for text in shown)


def squeezed(words: str) -> str:
    """Without any space: where lines break is the page's own affair."""
    return "".join(words.split())


def _opened(stream: bytes) -> bytes:
    """What a stream holds; nothing for a picture, which is no Flate stream."""
    try:
        return zlib.decompress(base64.a85decode(b"<~" + stream.strip().removeprefix(b"<~"), adobe=True))
    except zlib.error:
        return b""


def _letter(escaped: re.Match[bytes]) -> bytes:
    found = escaped[1]
    return bytes([int(found, 8)]) if found.isdigit() else found
