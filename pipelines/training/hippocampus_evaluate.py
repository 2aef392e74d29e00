"""The segmentation pipeline on cases of the training data's folder, as a user would measure it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pipelines.core.figures import Figure
from pipelines.evaluate_segmentation import evaluate_segmentation
from pipelines.imaging.decoder import Decoder
from pipelines.registry import entry
from pipelines.segmentation import HippocampusSegmentation
from pipelines.training.hippocampus_cases import Case


def outline_figures(data: Path, cases: Sequence[Case], bundle: Path, work: Path) -> dict[str, Figure]:
    """Overlap, distance and volume error as `overread evaluate segmentation` measures them."""
    manifest = work / "validation.csv"
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label_path"])
        for case in cases:
            writer.writerow([(data / folder / f"{case.name}.nii.gz").resolve() for folder in ("images", "labels")])
    with Decoder() as decoder:
        evaluation = evaluate_segmentation(manifest, HippocampusSegmentation(bundle, entry("segmentation"), decoder))
    return dict(evaluation.figures)
