"""Fit what a bundle knows of its photographs: `python -m pipelines.training.familiarity --data FOLDER --bundle BUNDLE`.

The bundle's members are the networks of the folds, in their order, so that no checkpoint of a fold is needed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from pipelines.core.bundle_files import FAMILIARITY, INFERENCE, METADATA, file_sha256, read_json
from pipelines.core.figures import bootstrap
from pipelines.imaging.fundus import normalise
from pipelines.imaging.rendition import rendition
from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.familiarity import DIGITS, Floats, Limits, Spread, pooled
from pipelines.nets.precision import choose_engine
from pipelines.training.assemble import write_json
from pipelines.training.photographs import Photographs, read_photographs

#: Of a member's features, how many directions keep a variance of their own.
DIRECTIONS: Final = 32
#: Of unseen photographs of the same camera, the share that is to be called unfamiliar.
MARKED_SHARE: Final = 0.01
#: Of the correlations of the figures of rendition, how much is taken back towards nought (Ledoit & Wolf 2004).
SHRINKAGE: Final = 0.05
#: The camera of the photographs (IDRiD), as files may state it.
CAMERAS: Final = ("VX-10 alpha", "Kowa VX-10 alpha")

Folds = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measured:
    """Photographs in figures: pooled features (n, m, c), rendition (n, d), folds (n,)."""

    features: Floats
    rendition: Floats
    fold: Folds


@dataclass(frozen=True, slots=True)
class Fitted:
    """The spread that is shipped, and what photographs measure (n,) by spreads that do not know their eyes."""

    spread: Spread
    content: Floats
    rendition: Floats
    fold: Folds

    def limits(self, rows: NDArray[np.int64]) -> Limits:
        """The distances that MARKED_SHARE of these photographs lie beyond."""
        content, look = limit_of(self.content[rows]), limit_of(self.rendition[rows])
        return Limits(content, look, limit_of(np.maximum(self.content[rows] / content, self.rendition[rows] / look)))

    def beyond(self, limits: Limits, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these photographs are unfamiliar by these limits."""
        score = np.maximum(self.content[rows] / limits.content, self.rendition[rows] / limits.rendition)
        return np.asarray(score > limits.both)

    def marked(self) -> NDArray[np.bool_]:
        """(n,) which photographs lie beyond the limits of the other folds."""
        answer = np.zeros(len(self.fold), bool)
        for number in np.unique(self.fold):
            here = self.fold == number
            answer[here] = self.beyond(self.limits(np.flatnonzero(~here)), np.flatnonzero(here))
        return answer


def limit_of(distances: Floats) -> float:
    """The quantile that MARKED_SHARE lies beyond, rounded as scores are."""
    return round(float(np.quantile(distances, 1 - MARKED_SHARE)), DIGITS)


def fit(measured: Measured, directions: int = DIRECTIONS) -> Fitted:
    """The spread over the training photographs, and the distances of each photograph that it is new to.

    Member number f of the network saw every fold but f: to it photographs of fold f are as new as those of a clinic,
    so that the spread of its features is fitted, and its distance taken, without them. That of rendition, which knows
    no member, is fitted without each fold in its turn for the limits, and on all photographs for what is shipped.
    """
    fold, members = measured.fold, range(measured.features.shape[1])
    content = [_principal(measured.features[fold != number, number], directions) for number in members]
    means, bases, variances, rests = (np.stack(part) for part in zip(*content, strict=True))
    stored = (means, bases, variances, rests, *_whitening(measured.rendition))
    spread = Spread(*(np.ascontiguousarray(part, np.float32) for part in stored))
    seen = [spread.content(each)[number] for each, number in zip(measured.features, fold, strict=True)]
    looks = np.zeros(len(fold), np.float32)
    for number in members:
        here = fold == number
        look, whitening = _whitening(measured.rendition[~here])
        without = replace(spread, look=look, whitening=whitening)
        looks[here] = [without.rendition(each) for each in measured.rendition[here]]
    return Fitted(spread, np.array(seen, np.float32), looks, fold)


def _principal(features: Floats, directions: int) -> tuple[NDArray[np.float64], ...]:
    """(n, c) -> mean (c,), basis (k, c), variance (k,), variance of the rest: probabilistic PCA in closed form."""
    mean = features.mean(axis=0, dtype=np.float64)
    _, singular, basis = np.linalg.svd(features - mean, full_matrices=False)
    variance = singular**2 / (len(features) - 1)
    rest = variance[directions:].sum() / (features.shape[1] - directions)
    return mean, basis[:directions], variance[:directions], np.asarray(rest)


def _whitening(figures: Floats) -> tuple[Floats, Floats]:
    """(n, d) -> mean (d,) and the matrix (d, d) after which figures are of variance one and uncorrelated."""
    mean, spread = figures.mean(axis=0, dtype=np.float64), figures.std(axis=0, dtype=np.float64)
    correlation = (1 - SHRINKAGE) * np.corrcoef(figures.T) + SHRINKAGE * np.eye(len(mean))
    whitening = np.linalg.inv(np.linalg.cholesky(correlation)) / spread
    return mean.astype(np.float32), whitening.astype(np.float32)


def measure(bundle: Bundle, photographs: Photographs) -> Measured:
    """Read every photograph by itself, as in service."""
    engine, stored = choose_engine(bundle), bundle.inference
    members = int(stored["network_def"]["members"])
    images = (normalise(square, stored["mean"], stored["std"])[None] for square in photographs.squares)
    features = np.stack([pooled(engine.run(image).features[0], members) for image in images])
    return Measured(features, np.stack([rendition(square) for square in photographs.squares]), photographs.fold)


def write(folder: Path, fitted: Fitted) -> None:
    """Store the spread, its hash, the limits and their figures; the network and its parameters stay as they are."""
    path = folder / FAMILIARITY
    save_file(asdict(fitted.spread), path)
    path.chmod(0o644)  # safetensors leaves it to the owner alone
    limits = fitted.limits(np.arange(len(fitted.fold)))
    known = {"sha256": file_sha256(path), "limits": asdict(limits), "cameras": list(CAMERAS)}
    write_json({**read_json(folder / INFERENCE), "familiarity": known}, folder / INFERENCE)
    write_json({**read_json(folder / METADATA), "familiarity": figures(fitted)}, folder / METADATA)


def figures(fitted: Fitted) -> dict[str, dict[str, float]]:
    """The limit, and the share of unseen photographs beyond the limit of the other folds, with 95 % intervals."""
    marked = fitted.marked()
    measured = {
        "limit": bootstrap(lambda rows: fitted.limits(rows).both, len(marked)),
        "marked_unseen": bootstrap(lambda rows: float(marked[rows].mean()), len(marked)),
    }
    return {name: {key: round(value, 4) for key, value in asdict(figure).items()} for name, figure in measured.items()}


def main() -> None:
    """Fit on the photographs that the bundle was trained on, and write what it knows of them into it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with fundus.csv and images/")
    parser.add_argument("--bundle", type=Path, required=True, help="a finished bundle, which is written to")
    arguments = parser.parse_args()
    bundle = open_bundle(arguments.bundle)
    photographs = read_photographs(arguments.data, int(bundle.inference["input_size"]))
    fitted = fit(measure(bundle, photographs))
    write(arguments.bundle, fitted)
    print(json.dumps(figures(fitted)))


if __name__ == "__main__":
    main()
