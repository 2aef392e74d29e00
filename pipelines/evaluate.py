"""Figures with 95 % bootstrap intervals on labelled data of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import NotFound, OverreadError
from pipelines.core.figures import Figure, area_under_curve, bootstrap, confusion, quadratic_kappa, share_right
from pipelines.core.types import ModelRef
from pipelines.imaging.subject import subject_from_files
from pipelines.manifest import Failed, Row, bad_manifest, read_rows
from pipelines.nets.calibration import expected_calibration_error
from pipelines.nets.grading import GRADES, REFERABLE_FROM
from pipelines.pipeline import Progress, silent
from pipelines.retinopathy import Retinopathy

_SEED: Final = 0  # of the resamples, so that the same readings give the same intervals


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row of a manifest: the path as written there, the file it means, and the true grade 0-4."""

    written: str
    path: Path
    grade: int


@dataclass(frozen=True, slots=True)
class Scored:
    """What the model said of one row; for a failed row what counts as wrong in every figure."""

    truth: int
    grade: int
    probabilities: tuple[float, ...]
    referable: bool
    abstained: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one evaluation; `confusion` has a row a true grade, a column a grade given."""

    pipeline: str
    model: ModelRef
    n: int
    figures: Mapping[str, Figure]
    confusion: tuple[tuple[int, ...], ...]
    failed: tuple[Failed, ...]


def evaluate_retinopathy(manifest: Path, pipeline: Retinopathy, progress: Progress = silent) -> Evaluation:
    """Grade every photograph of a CSV with the columns `path` and `grade` and compare.

    Every readable photograph is scored from the model's probabilities, abstained and ungradable ones included. A failed
    row counts as certain of the grade farthest from the truth. Deterministic. Raises BadInput with code bad_manifest.
    """
    rows = read_manifest(manifest)
    scored: list[Scored] = []
    failed: list[Failed] = []
    for number, row in enumerate(rows):
        progress("evaluate", number / len(rows))
        try:
            scored.append(_score(row, pipeline))
        except OverreadError as error:
            scored.append(_wrong(row.grade))
            failed.append(Failed(row.written, error.code, error.sentence))
    progress("done", 1.0)
    truth = np.array([each.truth for each in scored], dtype=np.int64)
    given = np.array([each.grade for each in scored], dtype=np.int64)
    return Evaluation(
        pipeline="retinopathy",
        model=pipeline.model,
        n=len(rows),
        figures={name: _figure(statistic, len(rows)) for name, statistic in _statistics(scored).items()},
        confusion=tuple(tuple(int(count) for count in line) for line in confusion(truth, given, GRADES)),
        failed=tuple(failed),
    )


def evaluation_json(evaluation: Evaluation) -> dict[str, object]:
    """An evaluation as the one object that `overread evaluate --json` prints; figures without a value are null."""
    return {
        "pipeline": evaluation.pipeline,
        "model": asdict(evaluation.model),
        "n": evaluation.n,
        **{name: figure.rounded() for name, figure in evaluation.figures.items()},
        "confusion": [list(row) for row in evaluation.confusion],
        "failed": [asdict(each) for each in evaluation.failed],
    }


def read_manifest(manifest: Path) -> list[Labelled]:
    """The rows of a manifest, relative paths taken from its folder; raises BadInput (bad_manifest) with the line."""
    return [_labelled(row, manifest.parent) for row in read_rows(manifest, ("path", "grade"))]


def _labelled(row: Row, folder: Path) -> Labelled:
    written, grade = row.values["path"], row.values["grade"]
    if grade not in {str(known) for known in range(GRADES)}:
        raise bad_manifest("has a grade that is not 0, 1, 2, 3 or 4", line=row.line)
    return Labelled(written, folder / written, int(grade))


def _score(row: Labelled, pipeline: Retinopathy) -> Scored:
    """One photograph graded; raises OverreadError."""
    try:
        with subject_from_files([row.path], pipeline.decoder) as local:
            (inferred,) = pipeline.grade(local.subject)
    except OSError as error:
        raise NotFound("the file cannot be opened", code="file_not_found") from error
    graded = inferred.graded
    return Scored(
        truth=row.grade,
        grade=graded.grade,
        probabilities=graded.probabilities,
        referable=graded.referable,
        abstained=inferred.abstain_reason is not None,
    )


def _wrong(truth: int) -> Scored:
    """A failed row: certain of the grade farthest from the truth, so that it counts as wrong everywhere."""
    grade = GRADES - 1 if truth < REFERABLE_FROM else 0
    probabilities = tuple(float(grade == each) for each in range(GRADES))
    return Scored(truth, grade, probabilities, referable=grade >= REFERABLE_FROM, abstained=False)


def _statistics(scored: Sequence[Scored]) -> dict[str, Callable[[NDArray[np.int64]], float]]:
    """Every figure as a function of row numbers."""
    truth = np.array([each.truth for each in scored], dtype=np.int64)
    given = np.array([each.grade for each in scored], dtype=np.int64)
    probabilities = np.array([each.probabilities for each in scored], dtype=np.float64)
    flagged = np.array([each.referable for each in scored])
    abstained = np.array([each.abstained for each in scored])
    positive, correct = truth >= REFERABLE_FROM, truth == given
    confidence = probabilities.max(axis=1)
    is_top_right = probabilities.argmax(axis=1) == truth
    referable = np.minimum(probabilities[:, REFERABLE_FROM:].sum(axis=1), 1.0)
    return {
        "accuracy": lambda rows: float(correct[rows].mean()),
        "quadratic_kappa": lambda rows: quadratic_kappa(truth[rows], given[rows], GRADES),
        "referable_auc": lambda rows: area_under_curve(positive[rows], referable[rows]),
        "referable_sensitivity": lambda rows: share_right(flagged[rows], positive[rows]),
        "referable_specificity": lambda rows: share_right(~flagged[rows], ~positive[rows]),
        "ece": lambda rows: expected_calibration_error(confidence[rows], is_top_right[rows]),
        "referable_ece": lambda rows: expected_calibration_error(referable[rows], positive[rows]),
        "abstained": lambda rows: float(abstained[rows].mean()),
    }


def _figure(statistic: Callable[[NDArray[np.int64]], float], count: int) -> Figure:
    """A figure with its interval; nan throughout where the rows do not allow it (one class only)."""
    value = statistic(np.arange(count))
    if np.isnan(value):
        return Figure(value, value, value)
    return bootstrap(statistic, count, _SEED)
