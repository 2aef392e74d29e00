"""What a bundle's result is looked at by: label and heat volumes on the source grid, overlays of pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.bundle_findings import Labelled, Labels
from pipelines.core.types import Artifact
from pipelines.imaging import heatmap
from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.montage import COLOURS, Part, Shown, montage
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.picture import Rgb
from pipelines.imaging.resample import resample, resample_labels

NIFTI = "application/x-nifti"
#: Of what grey pictures show: the tails beyond are noise and markers.
_PERCENTILES = (0.5, 99.5)
#: Rows of a preview: more than three tiles' heights leave a screen.
_ROWS = 3
#: Two grids whose affines differ by less than this (mm, and mm per voxel) are one.
_SAME_MM = 1e-3


def on_source(labels: Labels, affine: NDArray[np.float64], source: Grid) -> Labels:
    """(i, j, k) labels with their affine -> on the source grid; unchanged where they lie on it already."""
    grid = _grid(labels.shape, affine)
    if grid.shape == source.shape and np.allclose(grid.affine, source.affine, atol=_SAME_MM):
        return labels
    return np.asarray(resample_labels(labels, grid, source), np.uint8)


def spread(values: NDArray[np.float32], affine: NDArray[np.float64], source: Grid) -> NDArray[np.float32]:
    """(i, j, k) values 0-1 with their affine -> on the source grid; 0 where the network did not look."""
    moved = resample(Volume(values, _grid(values.shape, affine)), source)
    return np.clip(moved.array, 0, 1)


def volume_artifact(name: str, kind: str, array: NDArray[np.float32] | Labels, grid: Grid) -> Artifact:
    """A volume as a compressed NIfTI file."""
    return Artifact(name, kind, NIFTI, write_nifti(array, grid))


def grey(picture: NDArray[np.float32]) -> Rgb:
    """(h, w) of any unit -> (h, w, 3) for the eye."""
    low, high = np.percentile(picture, _PERCENTILES)
    levels = np.clip((picture - low) / max(float(high - low), 1e-6) * 255, 0, 255).astype(np.uint8)
    return np.repeat(levels[:, :, None], 3, axis=2)


def heat_overlay(name: str, picture: Rgb, heat: NDArray[np.float32]) -> Artifact:
    """A heat-map (i, j) = (column, row) over its picture."""
    base = heatmap.shown(picture)
    height, width = base.shape[:2]
    spread_map = np.clip(cv2.resize(heat.T, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    rgba = heatmap.coloured(np.asarray(spread_map, np.float32))
    return Artifact(f"{name}-overlay.png", "overlay", "image/png", heatmap.png(heatmap.overlay(base, rgba)))


def label_picture(name: str, found: Labelled) -> Artifact:
    """Labels (i, j) = (column, row) as a grey PNG whose values are the structures' numbers."""
    done, coded = cv2.imencode(".png", np.ascontiguousarray(found.labels.T))
    if not done:
        raise ValueError("labels are (i, j) uint8")
    return Artifact(f"{name}-segmentation.png", "segmentation", "image/png", coded.tobytes())


def outlines(volume: Volume, labels: Labels, found: Labelled) -> Artifact:
    """The largest structures in three planes each, with their contours."""
    largest = sorted(found.structures, key=lambda each: -found.voxels.get(each.number, 0))[:_ROWS]
    rows = [
        Shown(each.name, (Part(each.number, each.name, COLOURS[place % len(COLOURS)]),))
        for place, each in enumerate(largest)
    ]
    return Artifact("preview.png", "preview", "image/png", montage(volume, labels, rows))


def fitted(labels: Labels, shape: tuple[int, int]) -> Labels:
    """(i, j) labels brought to a picture's (columns, rows) where the bundle left them at the network's size."""
    if labels.shape == shape:
        return labels
    return np.asarray(cv2.resize(labels, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST), np.uint8)


def _grid(shape: tuple[int, ...], affine: NDArray[np.float64]) -> Grid:
    i, j, k = shape
    return Grid((i, j, k), affine)
