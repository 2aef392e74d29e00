"""`overread evaluate`: how well a pipeline does on labelled data of one's own."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.core.errors import NotFound
from services.cli.console import JsonFlag, print_json, stdout, steps_bar
from services.cli.local import read_settings
from services.cli.run import ModelFolder, PipelineName

if TYPE_CHECKING:
    from pipelines.core.figures import Figure
    from pipelines.evaluate import Evaluation


def evaluate(
    pipeline: PipelineName,
    manifest: Annotated[Path, typer.Argument(help="CSV with the columns path and grade.", metavar="MANIFEST.csv")],
    model: ModelFolder = None,
    json: JsonFlag = False,
) -> None:
    """Read every file of a manifest and compare with its labels: figures with 95 % bootstrap intervals.

    Files that cannot be read count as wrong and are listed.
    """
    from pipelines.evaluate import evaluate_retinopathy, evaluation_json
    from pipelines.registry import entry
    from pipelines.retinopathy import Retinopathy

    chosen = entry(pipeline)
    if chosen.name != "retinopathy":
        raise NotFound(f"{chosen.name} has no evaluation yet")
    folder = model or read_settings().models_dir / chosen.model
    with Retinopathy(folder, chosen) as reader, steps_bar() as progress:
        evaluation = evaluate_retinopathy(manifest, reader, progress)
    if json:
        print_json(evaluation_json(evaluation))
    else:
        report(evaluation)


def report(evaluation: Evaluation) -> None:
    """The figures with their intervals, the confusion of grades, and what failed."""
    out = stdout()
    model = evaluation.model
    out.print(
        f"{evaluation.pipeline} with {model.name} {model.version} on {evaluation.n} case{'s' * (evaluation.n != 1)}\n",
        style="bold",
    )
    for name, figure in evaluation.figures.items():
        out.print(f"  {name:24} {in_words(figure)}", markup=False)
    out.print("\n  true grade (rows) against grade given (columns)", markup=False)
    for grade, row in enumerate(evaluation.confusion):
        out.print(f"  {grade}  " + "".join(f"{count:6}" for count in row), markup=False)
    for failed in evaluation.failed:
        out.print(f"  failed: {failed.path}: {failed.detail} ({failed.code})", markup=False)


def in_words(figure: Figure) -> str:
    """A figure with its interval; one that these cases do not define (an AUC of one class, say) is said to be so."""
    if isnan(figure.value):
        return "     -   not defined on these cases"
    return f"{figure.value:6.3f}   95 % interval {figure.low:.3f} to {figure.high:.3f}"
