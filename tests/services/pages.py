"""The words of a PDF that reportlab made, in the order they were drawn: what a search in it would find."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping

OBJECT = re.compile(rb"\n(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
FONT = re.compile(rb"/(F\d+(?:\+\d+)?) (\d+) 0 R")
LETTERS = re.compile(rb"/ToUnicode (\d+) 0 R")
LETTER = re.compile(rb"<([0-9A-F]{2})> <([0-9A-F]{4})>")
#: What a page's stream does with words: marked content begins or ends, a font is chosen, letters are shown.
STEP = re.compile(
    rb"/(?P<tag>Artifact|Span) <<(?P<said>[^\n]*)>> BDC|(?P<end>EMC)|/(?P<font>F\S+) \S+ Tf"
    rb"|\((?P<shown>(?:[^()\\]|\\.)*)\) Tj",
    re.DOTALL,
)
REPLACED = re.compile(rb"<FEFF([0-9a-f]*)>")
ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)

#: Name of a font -> its codes -> letters.
Fonts = Mapping[str, Mapping[int, str]]


def words_of(pdf: bytes) -> str:
    """All text but what stands at the edge of each page, a space between two strings."""
    return " ".join(_spoken(pdf, "body"))


def edges_of(pdf: bytes) -> str:
    """What stands at the edge of each page: whose page it is, and which."""
    return " ".join(_spoken(pdf, "edge"))


def pages_of(pdf: bytes) -> int:
    """How many pages it has."""
    return pdf.count(b"/Type /Page\n")


def squeezed(words: str) -> str:
    """Without any space: where lines break is the page's own affair."""
    return "".join(words.split())


def _spoken(pdf: bytes, wanted: str) -> Iterator[str]:
    objects = dict(OBJECT.findall(pdf))
    fonts = {name.decode(): _letters(objects, found) for name, found in FONT.findall(pdf)}
    for content in objects.values():
        if b"/Type" not in content.split(b"stream")[0]:  # neither a picture nor a font
            for stream in STREAM.findall(content):
                yield from (words for place, words in _steps(_opened(stream), fonts) if place == wanted)


def _steps(stream: bytes, fonts: Fonts) -> Iterator[tuple[str, str]]:
    place, font, replaced = "body", "", False
    open_tags: list[bytes] = []
    for step in STEP.finditer(stream):
        if step["tag"]:
            open_tags.append(step["tag"])
            place = "edge" if b"Artifact" in open_tags else "body"
            if step["tag"] == b"Span":
                replaced = True
                yield place, bytes.fromhex(REPLACED.findall(step["said"])[0].decode()).decode("utf-16-be")
        elif step["end"]:
            closed = open_tags.pop()
            replaced = replaced and closed != b"Span"
            place = "edge" if b"Artifact" in open_tags else "body"
        elif step["font"]:
            font = step["font"].decode()
        elif not replaced:
            yield place, "".join(fonts[font].get(code) or bytes([code]).decode("cp1252") for code in _codes(step))


def _codes(step: re.Match[bytes]) -> bytes:
    return ESCAPE.sub(lambda found: bytes([int(found[1], 8)]) if found[1].isdigit() else found[1], step["shown"])


def _letters(objects: Mapping[bytes, bytes], font: bytes) -> Mapping[int, str]:
    """The letters of an embedded font's codes; none for a standard font, whose codes are letters."""
    tables = [objects[table] for table in LETTERS.findall(objects.get(font, b""))]
    streams = [_opened(stream) for table in tables for stream in STREAM.findall(table)]
    return {int(code, 16): chr(int(letter, 16)) for stream in streams for code, letter in LETTER.findall(stream)}


def _opened(stream: bytes) -> bytes:
    """What a stream holds; nothing for a picture, which is no Flate stream."""
    packed = stream.strip()
    try:
        return zlib.decompress(base64.a85decode(b"<~" + packed, adobe=True) if packed.endswith(b"~>") else stream)
    except zlib.error:
        return b""
