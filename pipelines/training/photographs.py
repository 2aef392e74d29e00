"""Labelled fundus photographs in memory: the retina square of each, with its grade, DME risk and fold."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.core.errors import BadInput
from pipelines.imaging.fundus import Picture, find_retina, prepare

NO_LABEL = -1  # a photograph without a DME risk: its auxiliary loss is left out
TRAINING_SPLITS = frozenset({"train", "val"})


@dataclass(frozen=True, slots=True)
class Photographs:
    """`squares` (n, size, size, 3) uint8 RGB; `grade`, `dme_risk` and `fold` (n,) int64."""

    squares: Picture
    grade: NDArray[np.int64]
    dme_risk: NDArray[np.int64]
    fold: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.grade)

    def rows(self, which: NDArray[np.bool_]) -> Photographs:
        """The photographs where `which` (n,) is true."""
        return Photographs(self.squares[which], self.grade[which], self.dme_risk[which], self.fold[which])


def read_picture(path: Path) -> Picture:
    """An image file as (h, w, 3) uint8 RGB; raises BadInput where it does not decode."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise BadInput("a training photograph does not decode")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def read_photographs(folder: Path, size: int) -> Photographs:
    """Read `fundus.csv` and its images from `folder`, retina squares at `size` px.

    Columns used: image, grade, dme_risk, split (train and val are taken), cv_fold. Folds must be by eye group; a
    group in two folds raises BadInput, as does a photograph in which no retina is found.
    """
    with (folder / "fundus.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] in TRAINING_SPLITS]
    refuse_groups_across_folds(rows)
    squares = np.empty((len(rows), size, size, 3), np.uint8)
    for index, row in enumerate(rows):
        picture = read_picture(folder / row["image"])
        retina = find_retina(picture)
        if retina is None:
            raise BadInput("no retina found in a training photograph", row=index)
        squares[index] = prepare(picture, retina, size)
    return Photographs(
        squares,
        np.array([int(row["grade"]) for row in rows], np.int64),
        np.array([int(row["dme_risk"] or NO_LABEL) for row in rows], np.int64),
        np.array([int(row["cv_fold"]) for row in rows], np.int64),
    )


def refuse_groups_across_folds(rows: list[dict[str, str]]) -> None:
    """Raise BadInput when photographs of one eye lie in two folds: the figures would be too good."""
    fold_of: dict[str, str] = {}
    for row in rows:
        if fold_of.setdefault(row["eye_group"], row["cv_fold"]) != row["cv_fold"]:
            raise BadInput("an eye group lies in two folds")
