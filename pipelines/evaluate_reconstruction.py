"""Similarity with the fully sampled image, at a chosen acceleration, beside zero filling and compressed sensing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import NotFound, OverreadError, UnsuitableInput
from pipelines.core.figures import Figure, bootstrap
from pipelines.core.types import ModelRef
from pipelines.imaging import fidelity
from pipelines.imaging.acquired import Acquired, Reconstructor
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.fourier import CENTRE_FRACTION, calibration_region, equispaced_mask, rss, seed_of, to_image
from pipelines.imaging.kspace import Survey
from pipelines.manifest import Failed, read_rows
from pipelines.pipeline import Progress, silent
from pipelines.reconstruction import Reconstruction
from pipelines.reconstruction_files import in_slices

Real = NDArray[np.float32]
#: What is compared, by the names that the figures bear.
METHODS: Final[Mapping[str, str]] = {
    "reconstruction": "unrolled",
    "zero_filled": "zero_filled",
    "compressed_sensing": "compressed_sensing",
}
FIGURES: Final = ("ssim", "psnr", "nmse", "seconds_per_slice")
_SEED: Final = 0  # of the resamples
#: What a failed case counts: nothing alike, no signal, all error; no time.
_WRONG: Final = (0.0, 0.0, 1.0, float("nan"))
_SLAB: Final = 5


@dataclass(frozen=True, slots=True)
class ReconstructionEvaluation:
    """All figures of one evaluation: method -> figure's name -> value with interval."""

    pipeline: str
    model: ModelRef
    acceleration: int
    n: int
    figures: Mapping[str, Mapping[str, Figure]]
    failed: tuple[Failed, ...]


def evaluate_reconstruction(
    manifest: Path, pipeline: Reconstruction, acceleration: int, progress: Progress = silent
) -> ReconstructionEvaluation:
    """Undersample every fully sampled file of a CSV with the column `path`, reconstruct it and compare.

    Mask: equispaced along the phase encoding, 8 % centre lines at 4x and 4 % at 8x, seeded by the file's name.
    Reference: root sum of squares of all samples, per volume, its maximum as the data range. A failed case counts with
    SSIM 0, PSNR 0 and NMSE 1 for every method. Raises BadInput with code bad_manifest, NotFound for an acceleration
    without a mask.
    """
    if acceleration not in CENTRE_FRACTION:
        known = " or ".join(str(each) for each in CENTRE_FRACTION)
        raise NotFound(f"the evaluation is defined at an acceleration of {known}", code="unknown_acceleration")
    rows = read_rows(manifest, ("path",))
    scores: list[Mapping[str, tuple[float, ...]]] = []
    failed: list[Failed] = []
    for number, row in enumerate(rows):
        progress("evaluate", number / len(rows))
        written = row.values["path"]
        try:
            scores.append(_score(manifest.parent / written, pipeline, acceleration))
        except OverreadError as error:
            scores.append(dict.fromkeys(METHODS, _WRONG))
            failed.append(Failed(written, error.code, error.sentence))
    progress("done", 1.0)
    figures = {name: _figures([score[name] for score in scores]) for name in METHODS}
    return ReconstructionEvaluation("reconstruction", pipeline.model, acceleration, len(rows), figures, tuple(failed))


def reconstruction_json(evaluation: ReconstructionEvaluation) -> dict[str, object]:
    """An evaluation as `overread evaluate --json` prints it; figures without a value are null."""
    return {
        "pipeline": evaluation.pipeline,
        "model": asdict(evaluation.model),
        "acceleration": evaluation.acceleration,
        "n": evaluation.n,
        **{
            method: {name: figure.rounded() for name, figure in figures.items()}
            for method, figures in evaluation.figures.items()
        },
        "failed": [asdict(each) for each in evaluation.failed],
    }


def _score(path: Path, pipeline: Reconstruction, acceleration: int) -> dict[str, tuple[float, ...]]:
    """One file: method -> (ssim, psnr, nmse, seconds a slice); raises OverreadError."""
    if not path.is_file():
        raise NotFound("the file cannot be opened", code="file_not_found")
    decoder = pipeline.decoder
    survey = decoder.kspace_survey(path)
    if not survey.is_by_line or not survey.masks.all():
        raise UnsuitableInput("an evaluation needs fully sampled 2D data", code="not_fully_sampled")
    mask = equispaced_mask(survey.rows, acceleration, CENTRE_FRACTION[acceleration], seed_of(path.name))
    reference = _images(path, decoder, survey, rss_of)
    found: dict[str, tuple[float, ...]] = {}
    for name, method in METHODS.items():
        begin = time.perf_counter()
        image = _images(path, decoder, survey, _undersampled(pipeline.methods[method], mask))
        seconds = (time.perf_counter() - begin) / survey.planes
        alike = (fidelity.ssim(image, reference), fidelity.psnr(image, reference), fidelity.nmse(image, reference))
        found[name] = (*alike, seconds)
    return found


def rss_of(kspace: NDArray[np.complex64]) -> Real:
    """The reference: every sample, root sum of squares."""
    return rss(to_image(kspace))


def _undersampled(method: Reconstructor, mask: NDArray[np.bool_]) -> Callable[[NDArray[np.complex64]], Real]:
    rows, columns = calibration_region(mask)

    def image(kspace: NDArray[np.complex64]) -> Real:
        measured = np.where(mask[:, None], kspace, np.complex64(0))
        return method.reconstruct(Acquired(measured, mask, rows, columns)).image

    return image


def _images(path: Path, decoder: Decoder, survey: Survey, image: Callable[[NDArray[np.complex64]], Real]) -> Real:
    """All slices' images (slices, y, x), slab by slab."""
    parts = []
    for start in range(0, survey.planes, _SLAB):
        stop = min(start + _SLAB, survey.planes)
        parts.append(image(decoder.kspace_planes(path, survey.coils, start, stop)))
    return in_slices(np.concatenate(parts), survey)


def _figures(scores: Sequence[tuple[float, ...]]) -> dict[str, Figure]:
    """The mean over cases of each figure, with its interval; cases without a value are left out."""
    return {name: _mean(np.array([score[place] for score in scores])) for place, name in enumerate(FIGURES)}


def _mean(values: NDArray[np.float64]) -> Figure:
    known = values[np.isfinite(values)]
    if not len(known):
        return Figure(float("nan"), float("nan"), float("nan"))
    return bootstrap(lambda rows: float(known[rows].mean()), len(known), _SEED)
