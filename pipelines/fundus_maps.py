"""A graded fundus photograph with its explanation: the Grad-CAM map, how far to trust it, and the pictures of it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines import eyes
from pipelines.core.types import Artifact, Explanation, Familiarity, ImageReading, InstanceFile, Quality
from pipelines.imaging.fundus import Retina
from pipelines.imaging.overlay import draw
from pipelines.imaging.picture import HEATMAP, MAP, OVERLAY, DecodedImage, Rgb
from pipelines.nets import trust
from pipelines.nets.cam import Map, is_degenerate
from pipelines.nets.grading import Graded

_UNKNOWN_SIDE: Final = "U"


@dataclass(frozen=True, slots=True)
class Photograph:
    """One decoded photograph; `name` is its side and number, as in L-1."""

    name: str
    instance: InstanceFile
    image: DecodedImage


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photograph with its retina, quality and the (size, size, 3) uint8 square that the network reads."""

    photograph: Photograph
    retina: Retina
    quality: Quality
    square: Rgb


@dataclass(frozen=True, slots=True)
class Inferred(eyes.Assessed):
    """What the network said: `graded`, and its last feature map (c, h', w') float32."""

    prepared: Prepared
    features: NDArray[np.float32]
    familiarity: Familiarity | None


@dataclass(frozen=True, slots=True)
class Explained(Inferred):
    """A graded photograph with its explanation and the files that show it."""

    explanation: Explanation
    artifacts: tuple[Artifact, ...]


def names_of(instances: Sequence[InstanceFile]) -> list[str]:
    """A short unique name for each photograph: its side, a hyphen, its number among those of that side."""
    counted: Counter[str] = Counter()
    names = []
    for instance in instances:
        side = instance.laterality or _UNKNOWN_SIDE
        counted[side] += 1
        names.append(f"{side}-{counted[side]}")
    return names


def raw_map(cam: Map, name: str) -> Artifact:
    """The map as it is, (h', w') float32 in 0-1; whatever is drawn later is drawn of it."""
    raw = io.BytesIO()
    np.save(raw, cam)
    return Artifact(MAP.of(name), MAP.kind, MAP.media_type, raw.getvalue())


def pictures(cam: Map, prepared: Prepared) -> tuple[Artifact, ...]:
    """The coloured map and the overlay, both of the photograph's whole frame."""
    name = prepared.photograph.name
    drawn = draw(prepared.photograph.image.array, prepared.retina, cam)
    return tuple(Artifact(kind.of(name), kind.kind, kind.media_type, drawn[kind]) for kind in (HEATMAP, OVERLAY))


def judge(cam: Map, inferred: Inferred, weights: NDArray[np.float32], layer: str, members: int) -> Explanation:
    """How far the map may be trusted, in figures and in a sentence where it may not."""
    figures = {
        "inside_retina": trust.inside_retina(cam, inferred.prepared.square),
        "concentration": trust.concentration(cam),
        "support": trust.support(inferred.features, weights),
    }
    agreement = trust.agreement(inferred.features, weights, members)
    if agreement is not None:
        figures["agreement"] = agreement
    doubt = _doubt(cam, figures["inside_retina"], inferred.quality)
    return Explanation(
        method="grad-cam",
        layer=layer,
        target=f"dr_grade={inferred.graded.grade}",
        trust={name: round(value, 4) for name, value in figures.items()},
        reliable=doubt is None,
        note=doubt or _remark(inferred.graded),
    )


def _doubt(cam: Map, inside: float, quality: Quality) -> str | None:
    """Why a map should not be relied on; None where nothing speaks against it."""
    if is_degenerate(cam):
        return "the map is degenerate: nothing in the picture speaks for this grade more than anything else"
    if not quality.gradable:
        return "the photograph is ungradable"
    if inside < trust.LEAST_INSIDE:
        return "much of the map lies beside the retina"
    return None


def _remark(graded: Graded) -> str | None:
    """What a reader of a sound map should still know."""
    if graded.grade == 0:
        return "the map shows what speaks for grade 0; the absence of disease has no place of its own"
    return None


def image_reading(explained: Explained) -> ImageReading:
    """What is said of one photograph; its pictures are named, whether they are drawn by now or when asked for."""
    name = explained.prepared.photograph.name
    return ImageReading(
        sop_instance_uid=explained.prepared.photograph.instance.sop_instance_uid,
        laterality=explained.laterality,
        quality=explained.quality,
        abstained=explained.abstain_reason is not None,
        abstain_reason=explained.abstain_reason,
        explanation=explained.explanation,
        artifacts=tuple(kind.of(name) for kind in (MAP, HEATMAP, OVERLAY)),
        familiarity=explained.familiarity,
    )
