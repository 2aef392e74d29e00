"""Reads the side of the body from a file's name by one documented rule."""

from __future__ import annotations

import re

from pipelines.core.types import Laterality

_SIDES: dict[str, Laterality] = {
    "r": Laterality.RIGHT,
    "od": Laterality.RIGHT,  # oculus dexter
    "right": Laterality.RIGHT,
    "l": Laterality.LEFT,
    "os": Laterality.LEFT,  # oculus sinister
    "left": Laterality.LEFT,
}
_LETTERS = re.compile(r"[a-z]+")
#: A word that names a side: bounded by what is no letter, or by a small letter before a capital one.
_SIDE_WORD = re.compile(
    r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:right|left|od|os|r|l)(?:(?![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
)
_SEPARATORS = " _.-"


def from_name(name: str) -> Laterality | None:
    """The eye that a file name states, or None where it states none or both.

    The rule: the last part of the path without its extension is cut at everything that is not a letter (and where a
    small letter meets a capital one); the words R, OD, RIGHT and L, OS, LEFT, in any case, name a side. All words that
    name a side must agree. `patient7_OD.jpg` is right, `10_left.jpeg` is left, `leftover.png`, `R_vs_L.png` and
    `IMG_0042.jpg` name none.
    """
    stem = _stem(name)
    words = _LETTERS.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem).lower())
    sides = {_SIDES[word] for word in words if word in _SIDES}
    return sides.pop() if len(sides) == 1 else None


def without_side(name: str) -> str:
    """What a file name says besides the side: `10_left.jpeg` and `10_right.jpeg` are both `10`, `OS.png` is nothing.

    A name that states no side, or both, is given back whole but for its extension.
    """
    if from_name(name) is None:
        return _stem(name)
    parts = (part.strip(_SEPARATORS) for part in _SIDE_WORD.split(_stem(name)))
    return "_".join(part for part in parts if part)


def _stem(name: str) -> str:
    """The last part of a path without its extension."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return last.rsplit(".", 1)[0] if "." in last else last
