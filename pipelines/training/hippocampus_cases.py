"""The labelled hippocampus volumes on a common canvas, each with a brain around it for the views that leave its box."""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from nilearn.datasets import load_mni152_template
from numpy.typing import NDArray

Volume = NDArray[np.float32]
Labels = NDArray[np.uint8]
CANVAS = (60, 76, 60)  # voxels; the largest crop (43 x 59 x 47) and a margin
CENTRES_MM = ((-27.0, -21.0, -15.0), (27.0, -21.0, -15.0))  # left and right hippocampus in MNI space
SEARCH_MM = (-6, -3, 0, 3, 6)  # offsets tried around a centre along each axis
ROBUST = (0.5, 99.5)  # percentiles that become 0 and 1 of a case


@dataclass(frozen=True, slots=True)
class Case:
    """One crop as it was read: image in the file's own units, labels 0 background, 1 anterior, 2 posterior."""

    name: str
    image: Volume
    labels: Labels


@dataclass(frozen=True, slots=True)
class Canvas:
    """A case in the middle of a canvas, intensities on a 0-1 scale; `surroundings` is the template in its place."""

    image: Volume
    surroundings: Volume
    labels: Labels
    inside: NDArray[np.bool_]


def read_cases(folder: Path, split: str) -> list[Case]:
    """Every case of `split` in the order of cases.tsv; volumes are (x, y, z), 1 mm, RAS."""
    with (folder / "cases.tsv").open(encoding="utf-8", newline="") as file:
        names = [row["case"] for row in csv.DictReader(file, delimiter="\t") if row["split"] == split]
    return [read_case(folder, name) for name in names]


def read_case(folder: Path, name: str) -> Case:
    """One image and its labels."""
    image = nibabel.Nifti1Image.from_filename(folder / "images" / f"{name}.nii.gz").get_fdata(dtype=np.float32)
    labels = np.asanyarray(nibabel.Nifti1Image.from_filename(folder / "labels" / f"{name}.nii.gz").dataobj)
    return Case(name, np.asarray(image, np.float32), np.rint(labels).astype(np.uint8))


def canvases(cases: list[Case]) -> list[Canvas]:
    """Each case on a canvas, surrounded by the MNI template where it fits that case best."""
    template = load_mni152_template(resolution=1)
    return [canvas(case, template) for case in cases]


def canvas(case: Case, template: nibabel.Nifti1Image) -> Canvas:
    """Centre one case; outside its crop `image` and `labels` are zero."""
    low, high = np.percentile(case.image, ROBUST)
    scaled = np.clip((case.image - low) / max(high - low, 1e-6), -0.1, 1.6).astype(np.float32)
    start = tuple((room - length) // 2 for room, length in zip(CANVAS, scaled.shape, strict=True))
    crop = tuple(slice(first, first + length) for first, length in zip(start, scaled.shape, strict=True))
    image, labels, inside = np.zeros(CANVAS, np.float32), np.zeros(CANVAS, np.uint8), np.zeros(CANVAS, bool)
    image[crop], labels[crop], inside[crop] = scaled, case.labels, True
    return Canvas(image, surroundings(image, inside, template), labels, inside)


def surroundings(image: Volume, inside: NDArray[np.bool_], template: nibabel.Nifti1Image) -> Volume:
    """The piece of the template that correlates best with the crop, either side, in the crop's intensities."""
    values = np.asanyarray(template.dataobj, dtype=np.float32)
    target = image[inside] - image[inside].mean()
    best, score = np.zeros(CANVAS, np.float32), -1.0
    for centre, offset in itertools.product(CENTRES_MM, itertools.product(SEARCH_MM, repeat=3)):
        point = np.linalg.solve(template.affine, [*np.add(centre, offset), 1.0])[:3]
        piece = around(values, np.rint(point).astype(int))
        here = piece[inside] - piece[inside].mean()
        correlation = float((here * target).sum() / (np.linalg.norm(here) * np.linalg.norm(target) + 1e-6))
        if correlation > score:
            best, score = piece, correlation
    here = best[inside]
    slope, shift = np.polyfit(here, image[inside], 1)
    return np.asarray(np.clip(best * slope + shift, -0.1, 1.6), np.float32)


def around(values: Volume, point: NDArray[np.int64]) -> Volume:
    """A canvas of `values` with voxel `point` in its middle."""
    first = point - np.array(CANVAS) // 2
    x, y, z = (slice(start, start + length) for start, length in zip(first, CANVAS, strict=True))
    return values[x, y, z]
