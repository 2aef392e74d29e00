"""Drawn hippocampi: a bent bright body in dim noise, its front half labelled 1 and its back half 2."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel
import numpy as np

from pipelines.training.hippocampus_cases import Case

SHAPE = (36, 50, 36)


def drawn_case(number: int) -> Case:
    """A case whose body lies a little elsewhere for each number, in units of its own."""
    random = np.random.default_rng(number)
    x, y, z = np.meshgrid(*(np.arange(length, dtype=np.float32) for length in SHAPE), indexing="ij")
    middle = np.array(SHAPE) / 2 + random.uniform(-2, 2, 3)
    bend = 0.01 * (y - middle[1]) ** 2
    body = ((x - middle[0]) / 7) ** 2 + ((y - middle[1]) / 17) ** 2 + ((z - middle[2] + bend) / 6) ** 2 < 1
    labels = np.where(body, np.where(y > middle[1], 1, 2), 0).astype(np.uint8)
    image = random.uniform(1, 500) * (1 + 2 * body + 0.1 * random.standard_normal(SHAPE))
    return Case(f"drawn_{number:03d}", image.astype(np.float32), labels)


def write_cases(folder: Path, training: int, validation: int) -> Path:
    """A folder as the training command reads it."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    with (folder / "cases.tsv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["case", "split"])
        for number in range(training + validation):
            case = drawn_case(number)
            writer.writerow([case.name, "train" if number < training else "val"])
            nibabel.save(nibabel.Nifti1Image(case.image, np.eye(4)), folder / f"images/{case.name}.nii.gz")
            nibabel.save(nibabel.Nifti1Image(case.labels, np.eye(4)), folder / f"labels/{case.name}.nii.gz")
    return folder
