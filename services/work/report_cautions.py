"""Why a machine's answer needs more care, in the words that the screen has for it and as codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipelines.core import codes
from pipelines.core.report import Caution, Line
from pipelines.core.types import Code, Laterality
from services.store.disagreement import ShadowChange
from services.work.spoken import EYES, SIDES

#: What a line is called that says one.
CAUTION: Final = "Caution"
#: The parts of how unlike an image is those the model was trained on, in words.
PARTS: Final[Mapping[str, str]] = {"content": "content", "rendition": "colours, light or frame"}
#: The right eye is told first, as everywhere.
ORDER: Final = "RLB"
UNMEASURED: Final = "Nobody measured how well the model reads such pictures: whatever it says of them needs more care."

#: A result or an image of it as the contract's JSON. Any: it was checked where it was made.
Document = Mapping[str, Any]


def cautions(document: Document, shadow: ShadowChange | None) -> Iterator[Line]:
    """A line for images unlike those of training, and one where a model on trial says otherwise."""
    marked = [image for image in document["images"] if _is_unfamiliar(image.get("familiarity"))]
    if marked:
        yield _unfamiliar(sorted(marked, key=lambda image: ORDER.find(image["laterality"] or ORDER)))
    if shadow is not None:
        headline = shadow.headline.replace("->", "→")
        words = f"Version {shadow.model_version}, which is only on trial: {headline}."
        yield Line(CAUTION, f"A shadow model says otherwise. {words}", cautions=(Caution(codes.SHADOW_DIFFERS),))


def abstained(document: Document) -> tuple[Caution, ...]:
    """That the model gave no answer."""
    return (Caution(codes.MODEL_ABSTAINED),) if document["abstained"] else ()


def unreliable(document: Document) -> tuple[Caution, ...]:
    """The sides whose heat-map is not to be relied on."""
    marked = [
        image for image in document["images"] if image.get("explanation") and not image["explanation"]["reliable"]
    ]
    return _coded(codes.HEAT_MAP_UNRELIABLE, marked) or (Caution(codes.HEAT_MAP_UNRELIABLE),)


def _is_unfamiliar(familiarity: Document | None) -> bool:
    return familiarity is not None and (not familiarity["familiar"] or familiarity["camera_known"] is False)


def _unfamiliar(marked: Sequence[Document]) -> Line:
    only_known = all(image["familiarity"]["camera_known"] for image in marked)
    title = "Unlike the pictures it was trained on" if only_known else "Outside the cameras it was trained on"
    said = dict.fromkeys(sentence for image in marked for sentence in _sentences(image))
    other = [image for image in marked if image["familiarity"]["camera_known"] is False]
    unlike = [image for image in marked if not image["familiarity"]["familiar"]]
    coded = (*_coded(codes.UNTRAINED_CAMERA, other), *_coded(codes.UNLIKE_TRAINING, unlike))
    return Line(CAUTION, " ".join([f"{title}.", *said, UNMEASURED]), cautions=coded)


def _sentences(image: Document) -> Iterator[str]:
    one, side = image["familiarity"], image["laterality"]
    where = EYES[side].capitalize() if side else "Side not known"
    if one["camera"] and one["camera_known"] is False:
        yield f"{where}: taken with “{one['camera']}”, a camera that the model was not trained on."
    if not one["familiar"]:
        beyond = [PARTS.get(part, part) for part, score in one["parts"].items() if score > one["limit"]]
        usual = f"({one['score']:.2f}; up to {one['limit']:.2f} is usual)"
        yield f"{where}: unlike the training photographs in {' and in '.join(beyond)} {usual}."


def _coded(code: Code, images: Sequence[Document]) -> tuple[Caution, ...]:
    sides = dict.fromkeys(image["laterality"] for image in images)
    return tuple(Caution(code, Laterality(side) if side else None) for side in sides)


def doubted_sides(document: Document) -> str:
    """Where heat-maps are not to be relied on, in words; empty where that is all of it."""
    names = EYES if document["pipeline"] == "retinopathy" else SIDES
    sides = [names[each.laterality] for each in unreliable(document) if each.laterality]
    return f" ({', '.join(sides)})" if sides else ""
