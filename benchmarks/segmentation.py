"""Volumetry of a whole head, step by step, and its network beside MONAI's stock sliding window in eager float32."""

from __future__ import annotations

import importlib.util
import os
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
import torch
from monai.inferers.inferer import SlidingWindowInferer
from numpy.typing import NDArray

from benchmarks.figures import Figure, beside
from pipelines.core.types import Subject
from pipelines.evaluate_segmentation import dice
from pipelines.imaging.decoder import Decoder
from pipelines.imaging.grid import Grid, Volume
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.resample import resample
from pipelines.imaging.subject import subject_from_files
from pipelines.nets.bundle import open_bundle
from pipelines.nets.ladder import CPU, Rung
from pipelines.nets.segmenter import SegmentationModel, build_members, read_segmentation
from pipelines.nets.sliding import Tiling
from pipelines.nets.views import all_views, window_over
from pipelines.nets.volume_engine import OpenVinoVolumeEngine
from pipelines.outlines import STEP
from pipelines.registry import entry
from pipelines.segmentation import HippocampusSegmentation, Inferred

BUNDLE = Path(__file__).parents[1] / "models/hippocampus_segmentation"
#: Rows, columns and sagittal slices of 1 mm: what a 3D T1 protocol of a head gives.
HEAD = (256, 256, 170)
REPEATS = 3
BATCH = 4
TARGET_RATIO = 2.5
TARGET_DICE = 0.998  # with the stock outline: a Dice difference of 0.002 at most
MEBIBYTE = 2**20

Array = NDArray[np.float32]


def head() -> Volume:
    """The MNI template of nilearn's wheel as a sagittal acquisition, in whole numbers."""
    spec = importlib.util.find_spec("nilearn")
    if spec is None or spec.submodule_search_locations is None:
        raise ValueError("nilearn is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "datasets/data"
    image = nibabel.load(folder / "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
    values = np.asanyarray(image.dataobj, dtype=np.float32)
    i, j, k = values.shape
    template = Volume(values / values.max() * 1000, Grid((i, j, k), image.affine))
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, -1], [-1, 0, 0], [0, -1, 0]]  # rows to the back, columns down, slices to the left
    affine[:3, 3] = template.grid.centre - affine[:3, :3] @ ((np.array(HEAD) - 1) / 2)
    placed = resample(template, Grid(HEAD, affine))
    return Volume(np.rint(placed.array).astype(np.float32), placed.grid)


def measure() -> list[Figure]:
    """Seconds of every step and peak memory end to end; the network's seconds beside MONAI's."""
    with tempfile.TemporaryDirectory() as folder, Decoder() as decoder:
        path = Path(folder) / "head.nii.gz"
        made = head()
        path.write_bytes(write_nifti(made.array.astype(np.int16), made.grid))
        pipeline = HippocampusSegmentation(BUNDLE, entry("segmentation"), decoder)
        with subject_from_files([path], decoder) as local:
            steps = end_to_end(pipeline, local.subject)
            inferred = pipeline.segment(local.subject)
    return [*steps, *network(inferred)]


def end_to_end(pipeline: HippocampusSegmentation, subject: Subject) -> list[Figure]:
    """One run warms up, a second is measured; the peak is the process's, with all libraries loaded."""
    pipeline.run(subject)
    reading = pipeline.run(subject)
    load = os.getloadavg()[0]
    total = Figure(
        f"head {HEAD[0]}x{HEAD[1]}x{HEAD[2]}, both hippocampi, end to end", sum(reading.seconds.values()), "s"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEBIBYTE
    return [
        total,
        *(Figure(f"  {step}", seconds, "s") for step, seconds in reading.seconds.items()),
        Figure("  peak memory of the process", peak, "MiB"),
        Figure("  load of the machine", load, ""),
    ]


def network(inferred: Inferred) -> list[Figure]:
    """Every member and view of both crops: OpenVINO as it serves, and MONAI's inferer on the same weights."""
    bundle = open_bundle(BUNDLE)
    model, networks = read_segmentation(bundle), build_members(bundle)
    engine, crops = OpenVinoVolumeEngine(networks), [outline.normalised for outline in inferred.outlines]

    def serving() -> list[NDArray[np.int64]]:
        return [ours(crop, engine, model) for crop in crops]

    def plain() -> list[NDArray[np.int64]]:
        return [theirs(crop, networks, model) for crop in crops]

    slow, fast, ratio = beside(plain, serving, REPEATS)
    agreement = min(
        dice(one == value, other == value)
        for one, other in zip(serving(), plain(), strict=True)
        for value in model.structures.values()
    )
    return [
        Figure(
            f"{engine.name} {engine.precision}, both crops",
            fast,
            "s",
            beside="as fast as MONAI's SlidingWindowInferer in eager float32",
            ratio=ratio,
            target=f">= {TARGET_RATIO:g}x",
            reached=ratio >= TARGET_RATIO,
        ),
        Figure("MONAI SlidingWindowInferer, both crops", slow, "s"),
        Figure(
            "  Dice between the two outlines",
            agreement,
            "",
            target=f">= {TARGET_DICE:g}",
            reached=agreement >= TARGET_DICE,
        ),
    ]


def ours(crop: Array, engine: OpenVinoVolumeEngine, model: SegmentationModel) -> NDArray[np.int64]:
    """Labels by the engine that serves."""
    x, y, z = (side + STEP for side in model.patch)
    window = window_over((crop.shape[0], crop.shape[1], crop.shape[2]), Rung((x, y, z), BATCH, CPU), STEP)
    return all_views(crop, engine, model.mirrors, Tiling(window, model.overlap, BATCH)).mean(axis=0).argmax(axis=0)


def theirs(crop: Array, networks: Sequence[torch.nn.Module], model: SegmentationModel) -> NDArray[np.int64]:
    """Labels by MONAI's inferer with the same patch, overlap, members and mirrored views."""
    inferer = SlidingWindowInferer(model.patch, BATCH, model.overlap, mode="gaussian")
    total = torch.zeros(())
    with torch.inference_mode():
        given = torch.from_numpy(crop)[None, None]
        for member in networks:
            for axes in model.mirrors:
                spatial = [axis + 2 for axis in axes]
                total = total + inferer(given.flip(spatial), member).softmax(dim=1).flip(spatial)
    return total[0].argmax(dim=0).numpy()
