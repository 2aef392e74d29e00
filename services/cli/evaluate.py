"""`overread evaluate`: how well a pipeline does on labelled data of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pipelines.core.errors import NotFound
from services.cli.console import JsonFlag, print_json, stdout, steps_bar
from services.cli.local import read_settings
from services.cli.run import ModelFolder, PipelineName

if TYPE_CHECKING:
    from pipelines.core.entry import Entry
    from pipelines.core.figures import Figure
    from pipelines.core.types import ModelRef
    from pipelines.evaluate import Evaluation
    from pipelines.manifest import Failed
    from pipelines.pipeline import Progress


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked on the command line."""

    entry: Entry
    model: Path
    manifest: Path
    acceleration: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation gave: the contract's document, and the same for people; `lines` come below the figures."""

    document: dict[str, object]
    model: ModelRef
    n: int
    figures: Mapping[str, Figure]
    failed: Sequence[Failed]
    lines: Sequence[str] = ()


def evaluate(
    pipeline: PipelineName,
    manifest: Annotated[
        Path,
        typer.Argument(
            help="CSV with the columns path and grade (retinopathy), path and label_path (segmentation) or path alone "
            "(reconstruction: fully sampled raw data).",
            metavar="MANIFEST.csv",
        ),
    ],
    model: ModelFolder = None,
    acceleration: Annotated[
        int, typer.Option(help="Reconstruction: how many samples for each one that is kept, 4 or 8.")
    ] = 4,
    json: JsonFlag = False,
) -> None:
    """Read every file of a manifest and compare with its labels: figures with 95 % bootstrap intervals.

    Files that cannot be read count as wrong and are listed.
    """
    from pipelines.registry import entry

    chosen = entry(pipeline)
    if chosen.name not in EVALUATIONS:
        raise NotFound(f"{chosen.name} has no evaluation; these have: {', '.join(sorted(EVALUATIONS))}")
    folder = model or read_settings().models_dir / chosen.model
    with steps_bar() as progress:
        outcome = EVALUATIONS[chosen.name](Asked(chosen, folder, manifest, acceleration), progress)
    if json:
        print_json(outcome.document)
    else:
        report(chosen, outcome)


def retinopathy(asked: Asked, progress: Progress) -> Outcome:
    """Grades of photographs."""
    from pipelines.evaluate import evaluate_retinopathy, evaluation_json
    from pipelines.retinopathy import Retinopathy

    with Retinopathy(asked.model, asked.entry) as reader:
        done = evaluate_retinopathy(asked.manifest, reader, progress)
    return Outcome(evaluation_json(done), done.model, done.n, done.figures, done.failed, _confusion(done))


def segmentation(asked: Asked, progress: Progress) -> Outcome:
    """Outlines of hippocampi."""
    from pipelines.evaluate_segmentation import evaluate_segmentation, segmentation_json
    from pipelines.segmentation import HippocampusSegmentation

    with HippocampusSegmentation(asked.model, asked.entry) as reader:
        done = evaluate_segmentation(asked.manifest, reader, progress)
    return Outcome(segmentation_json(done), done.model, done.n, done.figures, done.failed)


def reconstruction(asked: Asked, progress: Progress) -> Outcome:
    """Images from undersampled raw data."""
    from pipelines.evaluate_reconstruction import evaluate_reconstruction, reconstruction_json
    from pipelines.reconstruction import Reconstruction

    with Reconstruction(asked.model, asked.entry) as reader:
        done = evaluate_reconstruction(asked.manifest, reader, asked.acceleration, progress)
    figures = {f"{way}.{name}": figure for way, found in done.figures.items() for name, figure in found.items()}
    return Outcome(reconstruction_json(done), done.model, done.n, figures, done.failed)


#: Pipeline -> how it is evaluated.
EVALUATIONS: Final[Mapping[str, Callable[[Asked, Progress], Outcome]]] = {
    "retinopathy": retinopathy,
    "segmentation": segmentation,
    "reconstruction": reconstruction,
}


def report(entry: Entry, outcome: Outcome) -> None:
    """The figures with their intervals, what else there is to say, and what failed."""
    out = stdout()
    model = outcome.model
    out.print(
        f"{entry.name} with {model.name} {model.version} on {outcome.n} case{'s' * (outcome.n != 1)}\n", style="bold"
    )
    width = max(len(name) for name in outcome.figures)
    for name, figure in outcome.figures.items():
        out.print(f"  {name:{width}}  {in_words(figure)}", markup=False)
    for line in outcome.lines:
        out.print(line, markup=False)
    for failed in outcome.failed:
        out.print(f"  failed: {failed.path}: {failed.detail} ({failed.code})", markup=False)


def in_words(figure: Figure) -> str:
    """A figure with its interval; one that these cases do not define (an AUC of one class, say) is said to be so."""
    if isnan(figure.value):
        return "     -   not defined on these cases"
    return f"{figure.value:6.3f}   95 % interval {figure.low:.3f} to {figure.high:.3f}"


def _confusion(evaluation: Evaluation) -> list[str]:
    """The confusion of grades as a small table."""
    rows = [f"  {grade}  " + "".join(f"{count:6}" for count in row) for grade, row in enumerate(evaluation.confusion)]
    return ["\n  true grade (rows) against grade given (columns)", *rows]
