"""Overlap, distance and volume error of outlined hippocampi on labelled data, with 95 % bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipelines.core.errors import NotFound, OverreadError, UnsuitableInput
from pipelines.core.figures import Figure, bootstrap
from pipelines.core.types import ModelRef
from pipelines.imaging.grid import Grid
from pipelines.imaging.subject import subject_from_files
from pipelines.manifest import Failed, Row, bad_manifest, read_rows
from pipelines.pipeline import Progress, silent
from pipelines.segmentation import HippocampusSegmentation
from pipelines.segmentation_files import labels_on_source

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

STRUCTURES: Final = ("anterior", "posterior")  # labels 1 and 2 of the Medical Segmentation Decathlon, Task 04
_SEED: Final = 0  # of the resamples, so that the same outlines give the same intervals
_SAME_MM: Final = 0.01  # affines of label and image may differ by this much in rounding
_PERCENTILE: Final = 95


@dataclass(frozen=True, slots=True)
class Case:
    """One row: the path as written, the image's files, and the label's file."""

    written: str
    files: tuple[Path, ...]
    label: Path


@dataclass(frozen=True, slots=True)
class Scored:
    """One case: for each structure Dice 0-1, 95th percentile of surface distances (mm) and error of the volume (%)."""

    dice: tuple[float, ...]
    distance: tuple[float, ...]
    volume_error: tuple[float, ...]
    abstained: bool


@dataclass(frozen=True, slots=True)
class SegmentationEvaluation:
    """All figures of one evaluation."""

    pipeline: str
    model: ModelRef
    n: int
    figures: Mapping[str, Figure]
    failed: tuple[Failed, ...]


def evaluate_segmentation(
    manifest: Path, pipeline: HippocampusSegmentation, progress: Progress = silent
) -> SegmentationEvaluation:
    """Outline every image of a CSV with the columns `path` (a NIfTI or DICOM file, or a folder of one series) and
    `label_path` (NIfTI on the image's own grid), and compare.

    Labels: 1 anterior, 2 posterior, of one hippocampus or of both; or 3 and 4 beside them for the right one. Sides are
    taken together. Outlines in doubt are scored as they are. A failed case counts with Dice 0, a distance as long as
    the label's field of view and a volume error of 100 %. Deterministic. Raises BadInput with code bad_manifest.
    """
    cases = [_case(row, manifest.parent) for row in read_rows(manifest, ("path", "label_path"))]
    scored: list[Scored] = []
    failed: list[Failed] = []
    for number, case in enumerate(cases):
        progress("evaluate", number / len(cases))
        truth, grid = _truth(case, pipeline, number)
        try:
            scored.append(_score(case, truth, grid, pipeline))
        except OverreadError as error:
            scored.append(_wrong(grid))
            failed.append(Failed(case.written, error.code, error.sentence))
    progress("done", 1.0)
    return SegmentationEvaluation("segmentation", pipeline.model, len(cases), _figures(scored), tuple(failed))


def segmentation_json(evaluation: SegmentationEvaluation) -> dict[str, object]:
    """An evaluation as `overread evaluate --json` prints it.

    A figure named dice.anterior stands there under that name, and as `anterior` within `dice` as well.
    """
    figures = {name: figure.rounded() for name, figure in evaluation.figures.items()}
    nested: dict[str, dict[str, object]] = {}
    for name, figure in figures.items():
        group, _, structure = name.partition(".")
        if structure:
            nested.setdefault(group, {})[structure] = figure
    return {
        "pipeline": evaluation.pipeline,
        "model": asdict(evaluation.model),
        "n": evaluation.n,
        **figures,
        **nested,
        "failed": [asdict(each) for each in evaluation.failed],
    }


def dice(found: Mask, truth: Mask) -> float:
    """Twice the shared voxels over the sum of both; 1 where both are empty (Dice 1945)."""
    total = int(found.sum() + truth.sum())
    return 2 * int((found & truth).sum()) / total if total else 1.0


def hausdorff_95(found: Mask, truth: Mask, grid: Grid) -> float:
    """The larger of the two directed 95th percentiles of surface distances, in mm, as MONAI counts them.

    As long as the field of view where only one of them is empty; 0 where both are.
    """
    if not found.any() or not truth.any():
        return 0.0 if found.any() == truth.any() else _diagonal(grid)
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (found, truth)]
    distances = [ndimage.distance_transform_edt(~surface, sampling=grid.spacing) for surface in surfaces]
    directed = [np.percentile(distances[1 - one][surfaces[one]], _PERCENTILE) for one in (0, 1)]
    return float(max(directed))


def _case(row: Row, folder: Path) -> Case:
    written, label = row.values["path"], row.values["label_path"]
    if not label:
        raise bad_manifest("has a row without a label_path", line=row.line)
    place = folder / written
    files = sorted(each for each in place.rglob("*") if each.is_file()) if place.is_dir() else [place]
    return Case(written, tuple(files), folder / label)


def _truth(case: Case, pipeline: HippocampusSegmentation, number: int) -> tuple[Labels, Grid]:
    """The labels 0-2 with the sides taken together, and their grid; raises BadInput (bad_manifest)."""
    try:
        volume = pipeline.decoder.nifti(case.label.absolute())
    except (OverreadError, OSError) as error:
        raise bad_manifest("names a label that cannot be read", row=number + 1) from error
    values = np.rint(volume.array)
    if not np.array_equal(values, volume.array) or values.min() < 0 or values.max() > 2 * len(STRUCTURES):
        raise bad_manifest("names a label with values other than 0 to 4", row=number + 1)
    return _sides_together(values.astype(np.uint8)), volume.grid


def _score(case: Case, truth: Labels, grid: Grid, pipeline: HippocampusSegmentation) -> Scored:
    """One image outlined; raises OverreadError."""
    try:
        with subject_from_files(case.files, pipeline.decoder) as local:
            inferred = pipeline.segment(local.subject)
    except OSError as error:
        raise NotFound("the file cannot be opened", code="file_not_found") from error
    source = inferred.prepared.loaded.volume
    if source.grid.shape != grid.shape or not np.allclose(source.grid.affine, grid.affine, atol=_SAME_MM):
        raise UnsuitableInput("the label does not lie on the image's grid", code="label_grid_mismatch")
    labels = {name: number for number, name in enumerate(STRUCTURES, start=1)}
    found = _sides_together(labels_on_source(source, inferred.outlines, labels))
    measured = [outline.measured for outline in inferred.outlines]
    volumes = [sum(each.volumes[name] for each in measured) for name in STRUCTURES]
    masks = [(found == number, truth == number) for number in labels.values()]
    return Scored(
        dice=tuple(dice(*pair) for pair in masks),
        distance=tuple(hausdorff_95(*pair, grid) for pair in masks),
        volume_error=tuple(
            _error(volume, float(true.sum()) * grid.voxel_ml) for volume, (_, true) in zip(volumes, masks, strict=True)
        ),
        abstained=any(each.abstain_reason for each in measured),
    )


def _sides_together(labels: Labels) -> Labels:
    """Labels 3 and 4, the right side's, as 1 and 2."""
    return np.where(labels > 0, (labels - 1) % len(STRUCTURES) + 1, 0).astype(np.uint8)


def _error(measured: float, true: float) -> float:
    """The absolute error in % of the truth; 100 where there is nothing to be found and something was."""
    if true == 0:
        return 100.0 * (measured > 0)
    return 100 * abs(measured - true) / true


def _wrong(grid: Grid) -> Scored:
    count = len(STRUCTURES)
    return Scored((0.0,) * count, (_diagonal(grid),) * count, (100.0,) * count, abstained=False)


def _diagonal(grid: Grid) -> float:
    return float(np.linalg.norm(grid.extent))


def _figures(scored: Sequence[Scored]) -> dict[str, Figure]:
    """The mean over the cases of every figure and structure, with its interval."""
    columns = {
        "dice": np.array([each.dice for each in scored]),
        "hd95_mm": np.array([each.distance for each in scored]),
        "volume_error_percent": np.array([each.volume_error for each in scored]),
    }
    figures = {
        f"{name}.{structure}": bootstrap(_mean(values[:, number]), len(scored), _SEED)
        for name, values in columns.items()
        for number, structure in enumerate(STRUCTURES)
    }
    abstained = np.array([float(each.abstained) for each in scored])
    return {**figures, "abstained": bootstrap(_mean(abstained), len(scored), _SEED)}


def _mean(values: NDArray[np.float64]) -> Callable[[NDArray[np.int64]], float]:
    return lambda rows: float(values[rows].mean())
