"""A tiny labelled set of drawn photographs, in the form the training command reads."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

FOLDS = 2
PHOTOGRAPHS = 12


def drawn_photograph(random: np.random.Generator, lesions: int) -> np.ndarray:
    """(160, 200, 3) uint8 RGB: an orange disc on black with dark spots."""
    picture = np.zeros((160, 200, 3), np.uint8)
    cv2.circle(picture, (100, 80), 90, (170, 90, 40), cv2.FILLED)
    for x, y in random.integers(40, 120, (lesions, 2)):
        cv2.circle(picture, (int(x) + 20, int(y)), 4, (90, 20, 10), cv2.FILLED)
    return picture


@pytest.fixture
def labelled_folder(tmp_path: Path) -> Path:
    """Photographs of every grade in two folds, and one of another split that must stay unseen."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    columns = ["image", "eye_group", "grade", "dme_risk", "split", "cv_fold"]
    with (folder / "fundus.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number in range(PHOTOGRAPHS + 1):
            grade, split = number % 5, "test" if number == PHOTOGRAPHS else "train"
            picture = drawn_photograph(random, 3 * grade)
            cv2.imwrite(str(folder / f"images/{number}.png"), picture[..., ::-1])
            writer.writerow([f"images/{number}.png", f"E{number}", grade, min(2, grade), split, number % FOLDS])
    return folder
