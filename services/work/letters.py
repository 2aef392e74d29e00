"""Which font draws a letter of a printed page, and in which order the letters of a line stand on paper."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final

from arabic_reshaper import ArabicReshaper
from bidi import get_display
from bidi.mirror import MIRRORED
from reportlab.pdfbase.pdfmetrics import getFont, getRegisteredFontNames, registerFont
from reportlab.pdfbase.ttfonts import TTFont

FONTS: Final = Path(__file__).parent / "fonts"
PLAIN: Final = "DejaVuSans"
BOLD: Final = "DejaVuSans-Bold"
EAST: Final = "DroidSansFallback"
#: What stands for a letter that no font holds.
BOX: Final = "□"
#: Widths of Unicode Annex 11 that letters of Chinese, Japanese and Korean have: wide, full, half.
_EASTERN: Final = frozenset("WFH")
#: Directions of Unicode Annex 9 of letters that are written from right to left.
_LEFTWARD: Final = frozenset({"R", "AL"})
#: Categories of what is there but is never drawn: joiners, marks of direction.
_UNSEEN: Final = frozenset({"Cf", "Cc"})
_BRACKETS: Final = re.escape("".join(MIRRORED))
#: A mark that is drawn nowhere (combining grapheme joiner), and what is found of it beside a bracket.
_TELLING: Final = "\u034f"
_TURNED: Final = re.compile(rf"{_TELLING}([{_BRACKETS}])|([{_BRACKETS}]){_TELLING}")
_REMEMBERED: Final = 4096  # letters whose font is known without looking
#: Each Arabic letter in the form that its neighbours give it; vowel marks stay.
_SHAPES: Final = ArabicReshaper(configuration={"delete_harakat": False})


def load(font: str) -> str:
    """The font's name, known to reportlab from now on; the one for Chinese, Japanese and Korean takes 20 MiB."""
    if font not in getRegisteredFontNames():  # another registration would forget the letters that a page has used
        registerFont(TTFont(font, FONTS / f"{font}.ttf"))
    return font


@lru_cache(maxsize=_REMEMBERED)
def font_of(letter: str, bold: bool) -> str | None:
    """The font that draws a letter; None where none holds it."""
    usual = BOLD if bold else PLAIN
    if _holds(usual, letter):
        return usual
    is_eastern = unicodedata.east_asian_width(letter) in _EASTERN
    return EAST if is_eastern and _holds(EAST, letter) else None


def lacking(words: str) -> list[str]:
    """The letters of these words that no font holds, each once, in their order."""
    seen = dict.fromkeys(letter for letter in _composed(words) if not letter.isspace())
    return [letter for letter in seen if not _is_unseen(letter) and font_of(letter, bold=False) is None]


def drawn(line: str) -> str:
    """A line as its letters stand on paper from left to right; source: Unicode Annex 9, lines begin at the left."""
    line = _composed(line)
    if any(unicodedata.bidirectional(letter) in _LEFTWARD for letter in line):
        line = _in_order(_SHAPES.reshape(line.replace(_TELLING, "")))
    return "".join(_held(letter) for letter in line if not _is_unseen(letter))


def runs(shown: str, bold: bool) -> Iterator[tuple[str, str]]:
    """What is drawn, cut where the font changes: (font, letters)."""
    for font, letters in groupby(shown, lambda letter: font_of(letter, bold)):
        yield load(font or PLAIN), "".join(letters)


def _composed(words: str) -> str:
    return unicodedata.normalize("NFC", words)


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN


def _held(letter: str) -> str:
    """The letter, in its plain form where the fonts lack the joined one, or a box."""
    if font_of(letter, bold=False):
        return letter
    plain = unicodedata.normalize("NFKC", letter)
    return plain if all(font_of(each, bold=False) for each in plain) else BOX


def _holds(font: str, letter: str) -> bool:
    return ord(letter) in getFont(load(font)).face.charToGlyph


def _in_order(line: str) -> str:
    """The letters from left to right; brackets in leftward words are turned around.

    A mark is written as its letter is, so the one put behind each bracket tells afterwards which way that went.
    """
    marked = "".join(f"{letter}{_TELLING}" if letter in MIRRORED else letter for letter in line)
    return _TURNED.sub(lambda found: MIRRORED[found[1]] if found[1] else found[2], get_display(marked, base_dir="L"))
