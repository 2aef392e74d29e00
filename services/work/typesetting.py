"""Words on a printed page: broken into lines, in the letters of any script, and going on over the page's end."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from reportlab.lib.colors import Color
from reportlab.pdfbase.pdfmetrics import getAscentDescent, stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from services.work.letters import PLAIN, drawn, load, runs

#: A line may end behind each of these: a word with the space after it, or one letter of a script without spaces.
_EASTERN: Final = "\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef"
_PIECE: Final = re.compile(rf"[{_EASTERN}]\s*|[^\s{_EASTERN}]+\s*|\s+")
#: What does not begin a line; source: JIS X 4051, the closing marks and the small letters that are usual.
_NOT_FIRST: Final = frozenset("、。，．）」』】〉》？！：；・ーっゃゅょッャュョ々")
#: Lines of a statement that stay together on one page.
_FEWEST: Final = 2
#: Points: between two columns, over and under a row, of a rule.
_GAP, _ABOVE, _BELOW, _RULE = 8.0, 2.0, 2.0, 0.4
INSET: Final = 5.0  # points from the edge of a ground to its words


@dataclass(frozen=True, slots=True)
class Type:
    """How words look: size and distance of lines in points."""

    size: float
    leading: float
    colour: Color
    bold: bool = False


class Words(Flowable):  # type: ignore[misc]  # reportlab has no types
    """Words in lines; what does not fit on a page goes on on the next."""

    def __init__(self, words: str | Sequence[str], type_: Type) -> None:
        super().__init__()
        self.paragraphs = words.split("\n") if isinstance(words, str) else words
        self.type = type_
        self.lines: list[str] = []
        self.width = 0.0

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        """Its size in points where it may be this wide."""
        if width != self.width:
            self.lines = [line for each in self.paragraphs for line in broken(each, width, self.type)]
        self.width, self.height = width, len(self.lines) * self.type.leading
        return self.width, self.height

    def cut(self, lines: int) -> tuple[Words, Words]:
        """The first lines, and the others."""
        return Words(self.lines[:lines], self.type), Words(self.lines[lines:], self.type)

    def draw(self) -> None:
        """Line by line from the top."""
        load(PLAIN)
        ascent, descent = getAscentDescent(PLAIN, self.type.size)
        ascent += (self.type.leading - ascent + descent) / 2  # as much air over the letters as under them
        for number, line in enumerate(self.lines):
            draw_line(self.canv, line, 0, self.height - number * self.type.leading - ascent, self.type)


class Row(Flowable):  # type: ignore[misc]  # reportlab has no types
    """Words beside each other, each in a column of its width in points, over a rule or on a ground."""

    def __init__(
        self, cells: Sequence[tuple[Words, float]], rule: Color | None = None, ground: Color | None = None
    ) -> None:
        super().__init__()
        self.cells, self.rule, self.ground = cells, rule, ground
        self.inset = INSET if ground else 0.0

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        """Its size in points."""
        tallest = max(words.wrap(wide - _GAP, height)[1] for words, wide in self.cells)
        self.width, self.height = width, tallest + _ABOVE + _BELOW
        return self.width, self.height

    def split(self, width: float, height: float) -> list[Flowable]:
        """What fits, and what goes on on the next page; nothing where too little would fit."""
        self.wrap(width, height)
        fit = min(int((height - _ABOVE - _BELOW) // words.type.leading) for words, _ in self.cells)
        if fit < _FEWEST:
            return []
        halves = [(*words.cut(fit), wide) for words, wide in self.cells]
        first = Row([(top, wide) for top, _, wide in halves], None, self.ground)
        return [first, Row([(rest, wide) for _, rest, wide in halves], self.rule, self.ground)]

    def draw(self) -> None:
        """The cells from left to right, their first lines on one height."""
        if self.ground:
            self.canv.setFillColor(self.ground)
            self.canv.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        if self.rule:
            self.canv.setStrokeColor(self.rule)
            self.canv.setLineWidth(_RULE)
            self.canv.line(0, 0, self.width, 0)
        left = self.inset
        for words, wide in self.cells:
            words.drawOn(self.canv, left, self.height - _ABOVE - words.height)
            left += wide


def draw_line(canvas: Canvas, line: str, x: float, y: float, type_: Type) -> None:
    """One line; where it is drawn otherwise than it is written, the page holds the words as written beside it.

    Source: ISO 32000-1 section 14.9.4 (replacement text), so that searching and copying finds them.
    """
    shown = drawn(line)
    text = canvas.beginText(x, y)
    text.setFillColor(type_.colour)
    for font, letters in runs(shown, type_.bold):
        text.setFont(font, type_.size)
        text.textOut(letters)
    if shown == line:
        canvas.drawText(text)
        return
    with marked(canvas, f"/Span <</ActualText <FEFF{line.encode('utf-16-be').hex()}>>>"):
        canvas.drawText(text)


@contextmanager
def marked(canvas: Canvas, what: str) -> Iterator[None]:
    """What is drawn within is marked content of this tag and these properties: ISO 32000-1 section 14.6."""
    canvas.addLiteral(f"{what} BDC")
    yield
    canvas.addLiteral("EMC")


def width_of(line: str, type_: Type) -> float:
    """How wide a line is, in points."""
    return float(sum(stringWidth(letters, font, type_.size) for font, letters in runs(drawn(line), type_.bold)))


def broken(paragraph: str, width: float, type_: Type) -> list[str]:
    """A paragraph in lines at most this wide; one empty line where it says nothing."""
    lines, line, used = [], "", 0.0
    for piece in _pieces(paragraph):
        if line and used + width_of(piece.rstrip(), type_) > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        *full, rest = _cut(piece, width, type_)
        lines += full
        line, used = line + rest, used + width_of(rest, type_)
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _cut(piece: str, width: float, type_: Type) -> list[str]:
    """A word in parts that are lines of their own, where it is wider than a line; the last may be less."""
    parts = []
    while len(piece) > 1 and width_of(piece.rstrip(), type_) > width:
        fit = _fitting(piece, width, type_)
        parts.append(piece[:fit])
        piece = piece[fit:]
    return [*parts, piece]


def _pieces(paragraph: str) -> list[str]:
    pieces: list[str] = []
    for piece in _PIECE.findall(paragraph):
        if pieces and piece[0] in _NOT_FIRST:
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def _fitting(line: str, width: float, type_: Type) -> int:
    """How many letters of a word fit that is wider than a line; at least one, and none without its marks."""
    ends = range(1, len(line))
    fit = max(bisect_right(ends, width, key=lambda end: width_of(line[:end], type_)), 1)
    while fit < len(line) - 1 and unicodedata.combining(line[fit]):
        fit += 1
    return fit
