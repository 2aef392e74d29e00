"""How unlike a grader's training photographs a photograph is: two Mahalanobis distances, of content and rendition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from pipelines.core.bundle_files import FAMILIARITY, file_sha256
from pipelines.core.errors import ModelError, WeightsRefused
from pipelines.core.types import Familiarity
from pipelines.imaging.fundus import Picture
from pipelines.imaging.rendition import rendition
from pipelines.nets.bundle import Bundle

Floats = NDArray[np.float32]
#: Of a score: batches of other sizes change a feature in its last bits, and must not change what is said.
DIGITS: Final = 3
#: How makers and files write what stands behind some cameras' names.
_ALPHA: Final = "\N{GREEK SMALL LETTER ALPHA}"


@dataclass(frozen=True, slots=True)
class Spread:
    """Gaussians over the training photographs, float32.

    Content: one for each of m members over its c pooled features, of which k directions keep a variance of their own
    (Tipping & Bishop 1999): `mean` (m, c), `basis` (m, k, c) with orthonormal rows, `variance` (m, k), `rest` (m,) the
    variance along every other direction. Rendition, of d figures: `look` (d,) their mean, `whitening` (d, d).
    """

    mean: Floats
    basis: Floats
    variance: Floats
    rest: Floats
    look: Floats
    whitening: Floats

    def content(self, features: Floats) -> Floats:
        """(m, c) pooled features -> (m,) distances over the root of c.

        Lee et al., NeurIPS 2018, with one Gaussian where they have one a class: out of fold it tells the same.
        """
        away = features - self.mean
        along = np.einsum("mkc,mc->mk", self.basis, away)
        beside = np.maximum((away**2).sum(axis=1) - (along**2).sum(axis=1), 0)
        squared = (along**2 / self.variance).sum(axis=1) + beside / self.rest
        return np.asarray(np.sqrt(squared / features.shape[1]), np.float32)

    def rendition(self, figures: Floats) -> float:
        """(d,) figures -> their distance over the root of d."""
        return float(np.sqrt(np.square(self.whitening @ (figures - self.look)).mean()))


def pooled(features: Floats, members: int) -> Floats:
    """(m * c, h, w) -> (m, c), as the network's own pooling does."""
    return np.asarray(features.mean(axis=(1, 2)).reshape(members, -1), np.float32)


@dataclass(frozen=True, slots=True)
class Limits:
    """Distances that one in a hundred unseen training photographs lies beyond: alone, and the greater ratio to them."""

    content: float
    rendition: float
    both: float

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From JSON, hence Any; raises KeyError, TypeError or ValueError."""
        return cls(float(stored["content"]), float(stored["rendition"]), float(stored["both"]))


@dataclass(frozen=True, slots=True)
class Known:
    """What a model was trained on: the spread of its photographs, the limits of the usual, and the cameras' names."""

    spread: Spread
    limits: Limits
    cameras: frozenset[str]
    sha256: str

    @property
    def parameters(self) -> Mapping[str, object]:
        """What of it a receipt states: the file of the spread, and the limit."""
        return {"familiarity": {"sha256": self.sha256, "limit": self.limits.both}}

    def judge(self, features: Floats, square: Picture, camera: str | None) -> Familiarity:
        """Of one photograph: its last feature map (m * c, h, w), the square it was made of, its camera's name."""
        content = float(self.spread.content(pooled(features, len(self.spread.mean))).mean())
        parts = {
            "content": round(content / self.limits.content, DIGITS),
            "rendition": round(self.spread.rendition(rendition(square)) / self.limits.rendition, DIGITS),
        }
        score = max(parts.values())
        return Familiarity(
            score=score,
            limit=self.limits.both,
            familiar=score <= self.limits.both,
            parts=parts,
            camera=camera,
            camera_known=None if camera is None else plain(camera) in self.cameras,
        )


def plain(camera: str) -> str:
    """A camera's name as it is compared: letters and digits alone, small, alpha by the letter a."""
    spelt = camera.casefold().replace(_ALPHA, "a").replace("alpha", "a")
    return "".join(letter for letter in spelt if letter.isalnum())


def read_known(bundle: Bundle) -> Known | None:
    """What the bundle knows of its training photographs; None where it says nothing of them.

    Raises WeightsRefused where the file is not the pinned one, ModelError where it or its parameters do not fit.
    """
    stored = bundle.inference.get("familiarity")
    if stored is None:
        return None
    try:
        pinned, limits = str(stored["sha256"]), Limits.of(stored["limits"])
        cameras = frozenset(plain(str(camera)) for camera in stored["cameras"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError("configs/inference.json does not say how familiarity is judged") from error
    actual = file_sha256(bundle.folder / FAMILIARITY)
    if actual != pinned:
        raise WeightsRefused(pinned=pinned, actual=actual)
    return Known(_spread(bundle), limits, cameras, actual)


def _spread(bundle: Bundle) -> Spread:
    members = int(bundle.inference["network_def"].get("members", 1))
    try:
        spread = Spread(**load_file(bundle.folder / FAMILIARITY))
        m, k, c = spread.basis.shape
    except (TypeError, ValueError) as error:
        raise ModelError("the familiarity file does not hold what it should") from error
    if m != members or (spread.mean.shape, spread.variance.shape, spread.rest.shape) != ((m, c), (m, k), (m,)):
        raise ModelError("the familiarity file does not fit the bundle's network")
    return spread
