"""What somebody else's bundle says, as findings: structures with volumes, classes with probabilities, numbers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes as dictionary

from pipelines.core import codes
from pipelines.core.errors import ModelError
from pipelines.core.types import Code, Finding, Laterality

Labels = NDArray[np.uint8]

#: Value Representation SH, PS3.5 section 6.2: what a Code Value may be long.
_CODE_CHARACTERS: Final = 16
_SIDES: Final = {"left": Laterality.LEFT, "right": Laterality.RIGHT}
_BACKGROUND: Final = frozenset({"background", "bg", "other", "everything else"})
_MOST_LABELS: Final = 255


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure of a bundle: its number in the label volume, its name, code and side."""

    number: int
    name: str
    label: str
    code: Code
    laterality: Laterality | None


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Which structure lies where, (i, j[, k]) uint8, and each structure's voxels, more in all where some overlap."""

    labels: Labels
    structures: tuple[Structure, ...]
    voxels: Mapping[int, int]


def structure(number: int, name: str) -> Structure:
    """A structure by the name in the bundle's channel_def: SNOMED CT where DICOM's dictionary knows the name.

    "left kidney" and "kidney_right" are the kidney with its side. Any other name gets a private code of ours, 99OVR.
    """
    words = re.findall(r"[A-Za-z0-9]+", name)
    sides = [_SIDES[word.lower()] for word in words if word.lower() in _SIDES]
    plain = [word for word in words if word.lower() not in _SIDES]
    found = getattr(dictionary.SCT, "".join(word.capitalize() for word in plain), None) if plain else None
    label = "_".join(word.lower() for word in words) or f"label_{number}"
    code = Code(codes.SNOMED, found.value, found.meaning) if found is not None else private_code(label, name)
    return Structure(number, name, label, code, sides[0] if len(sides) == 1 else None)


def private_code(label: str, meaning: str) -> Code:
    """A code of ours for what no published scheme names; too long a name ends in the beginning of its sha256."""
    value = label.replace("_", "-")
    if len(value) > _CODE_CHARACTERS:
        value = f"{value[:9]}-{hashlib.sha256(label.encode()).hexdigest()[:6]}"
    return Code(codes.OVERREAD, value, meaning.strip()[:64] or label)


def labelled(made: NDArray[np.float32], names: Mapping[int, str]) -> Labelled:
    """What a bundle's post-processing made, (c, i, j[, k]), as one volume of labels.

    One channel holds labels (or, with one structure, yes and no); several hold one structure each. Where those overlap
    the smaller lies on top, and each keeps its own count. Raises ModelError for more labels than a byte counts.
    """
    if made.shape[0] == 1:
        return _of_label_map(made[0], names)
    if _is_background(names.get(0, "")) or bool(np.all(made.sum(axis=0) == 1)):
        return _counted(made.argmax(axis=0).astype(np.uint8), names)
    return _of_channels(made > 0.5, names)  # the midpoint of a sigmoid; what is thresholded already stays as it is


def volumes(found: Labelled, voxel_ml: float) -> tuple[Finding, ...]:
    """One finding a structure, in millilitres; 0 for one that was looked for and not found."""
    return tuple(
        Finding(
            code=each.code,
            label=each.label,
            value=round(found.voxels.get(each.number, 0) * voxel_ml, 3),
            unit="ml",
            laterality=each.laterality,
        )
        for each in found.structures
    )


def areas(found: Labelled, suffix: str) -> tuple[Finding, ...]:
    """One finding a structure of a picture: its share of the picture, in percent."""
    return tuple(
        Finding(
            code=each.code,
            label=each.label + suffix,
            value=round(100 * found.voxels.get(each.number, 0) / found.labels.size, 3),
            unit="%",
            laterality=each.laterality,
        )
        for each in found.structures
    )


def classes(
    probabilities: Sequence[float], names: Mapping[int, str], exclusive: bool, suffix: str
) -> tuple[Finding, ...]:
    """The most probable of classes that exclude each other, or each class with its probability."""
    told = {names.get(number, f"channel {number}"): round(value, 4) for number, value in enumerate(probabilities)}
    if exclusive and len(told) > 1:
        top = max(told, key=lambda name: told[name])
        code = private_code("class", "Class by the bundle")
        return (Finding(code=code, label=f"class{suffix}", value=top, probabilities=told),)
    return tuple(
        Finding(
            code=named.code,
            label=named.label + suffix,
            value=value,
            probabilities={"yes": value},
            laterality=named.laterality,
        )
        for number, (name, value) in enumerate(told.items())
        if (named := structure(number, name))
    )


def numbers(made: NDArray[np.float32], names: Mapping[int, str], suffix: str) -> tuple[Finding, ...]:
    """The numbers of a regression, as the bundle's post-processing gave them; raises ModelError for a NaN."""
    values = made.reshape(-1)
    if not np.isfinite(values).all():
        raise ModelError("the bundle gave a value that is no number", code="bundle_failed")
    found = [structure(number, names.get(number, f"channel {number}")) for number in range(len(values))]
    return tuple(
        Finding(
            code=each.code,
            label=each.label + suffix,
            value=float(np.format_float_positional(value, 6, fractional=False)),
        )
        for each, value in zip(found, values, strict=True)
    )


def _of_label_map(made: NDArray[np.float32], names: Mapping[int, str]) -> Labelled:
    whole = np.rint(made)
    if len(names) == 1:
        return _counted((made > 0.5).astype(np.uint8), {0: "background", 1: next(iter(names.values()))})
    if not np.array_equal(whole, made) or whole.min() < 0 or whole.max() > _MOST_LABELS:
        raise ModelError("the bundle's labels are no whole numbers from 0 to 255", code="bundle_failed")
    return _counted(whole.astype(np.uint8), names)


def _of_channels(masks: NDArray[np.bool_], names: Mapping[int, str]) -> Labelled:
    if len(masks) > _MOST_LABELS:
        raise ModelError("the bundle has more structures than a byte counts", code="bundle_failed")
    counts = {number: int(mask.sum()) for number, mask in enumerate(masks, start=1)}
    labels = np.zeros(masks.shape[1:], np.uint8)
    for number in sorted(counts, key=lambda each: -counts[each]):
        labels[masks[number - 1]] = number
    found = tuple(structure(number, names.get(number - 1, f"channel {number - 1}")) for number in counts)
    return Labelled(labels, found, counts)


def _counted(labels: Labels, names: Mapping[int, str]) -> Labelled:
    held = np.bincount(labels.ravel(), minlength=1)
    # No number is left out between: a DICOM SEG counts its segments without gaps, PS3.3 C.8.20.2.
    numbered = range(1, max(*names, len(held) - 1) + 1)
    found = tuple(structure(number, names.get(number, f"label {number}")) for number in numbered)
    return Labelled(labels, found, {number: int(held[number]) for number in numbered if number < len(held)})


def _is_background(name: str) -> bool:
    return name.strip().lower() in _BACKGROUND
