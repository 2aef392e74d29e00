"""Raw data to images: slices a second and peak memory of the learned method beside compressed sensing.

The file is a real head, the MNI template of nilearn's wheel, seen by simulated coils and undersampled fourfold.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import h5py
import nibabel
import numpy as np

from benchmarks.figures import Figure
from pipelines.imaging.fourier import CENTRE_FRACTION, equispaced_mask, to_kspace
from pipelines.imaging.subject import subject_from_files
from pipelines.reconstruction import Reconstruction
from pipelines.registry import entry, resolve

ROOT = Path(__file__).parents[1]
TEMPLATE = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
SLICES = 5
SLICE_STEP = 6  # mm between them
COILS = 8
SIDE = 192
ACCELERATION = 4
NOISE = 0.005  # of the brightest voxel
METHODS = ("reconstruction", "reconstruction_compressed_sensing")


@dataclass(frozen=True, slots=True)
class Run:
    """One pipeline on the file in a process of its own: seconds of each step, and the peak of its memory."""

    infer: float
    total: float
    peak_bytes: int


def measure() -> list[Figure]:
    """Slices a second of both methods, steps of the pipeline included, and the memory that each process took."""
    with tempfile.TemporaryDirectory(prefix="overread-") as folder:
        path = write(Path(folder) / "raw.h5")
        learned, baseline = (_apart(name, path) for name in METHODS)
    rate, slow = SLICES / learned.infer, SLICES / baseline.infer
    what = f"{SLICES} slices of {SIDE} x {SIDE}, {COILS} coils, {ACCELERATION}x"
    return [
        Figure(f"learned reconstruction and its check, {what}", rate, "slices/s", "compressed sensing", rate / slow),
        Figure("  whole pipeline, reading and writing included", SLICES / learned.total, "slices/s"),
        Figure("  peak memory", learned.peak_bytes / 1e9, "GB", f"{baseline.peak_bytes / 1e9:.2f} GB"),
        Figure("compressed sensing and the same check", slow, "slices/s"),
    ]


def write(path: Path) -> Path:
    """fastMRI's layout, undersampled."""
    spec = importlib.util.find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("nilearn")
    volume = np.asarray(nibabel.load(Path(next(iter(spec.submodule_search_locations))) / TEMPLATE).dataobj, np.float32)
    middle = volume.shape[2] // 2
    chosen = volume[:, ::-1, middle : middle + SLICES * SLICE_STEP : SLICE_STEP].transpose(2, 1, 0) / volume.max()
    images = np.zeros((SLICES, SIDE, SIDE), np.float32)
    rows, columns = (min(size, SIDE) for size in chosen.shape[1:])
    top, left = (SIDE - rows) // 2, (SIDE - columns) // 2
    images[:, top : top + rows, left : left + columns] = chosen[:, :rows, :columns]
    random = np.random.default_rng(0)
    noise = random.standard_normal((2, SLICES, COILS, SIDE, SIDE)).astype(np.float32) * NOISE
    kspace = to_kspace(images[:, None] * maps()) + noise[0] + 1j * noise[1]
    mask = equispaced_mask(SIDE, ACCELERATION, CENTRE_FRACTION[ACCELERATION], seed=0)
    with h5py.File(path, "w") as file:
        file["kspace"] = (kspace * mask[:, None]).astype(np.complex64)
        file["mask"] = mask
    return path


def maps() -> np.ndarray:
    """(coil, y, x) complex64: loops in a ring around the head."""
    y, x = np.meshgrid(*(2 * [np.linspace(-1, 1, SIDE)]), indexing="ij")
    angles = (2 * np.pi * np.arange(COILS) / COILS)[:, None, None]
    distance = (x - np.cos(angles)) ** 2 + (y - np.sin(angles)) ** 2
    return (np.exp(-distance / 1.5) * np.exp(1j * (angles + 0.5 * x * y))).astype(np.complex64)


def _apart(name: str, path: Path) -> Run:
    """Peak memory is that of a process; so each method gets one of its own."""
    command = [sys.executable, "-m", "benchmarks.reconstruction", name, str(path)]
    said = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return Run(**json.loads(said.stdout))


def _run(name: str, path: Path) -> Run:
    chosen = entry(name)
    with resolve(chosen, ROOT / "models" / chosen.model) as pipeline:
        if not isinstance(pipeline, Reconstruction):
            raise TypeError("not a reconstruction")
        with subject_from_files([path], pipeline.decoder, chosen.subject) as local:
            begin = time.perf_counter()
            reading = pipeline.run(local.subject)
            total = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts kibibytes
    return Run(reading.seconds["infer"], total, peak)


if __name__ == "__main__":
    done = _run(sys.argv[1], Path(sys.argv[2]))
    print(json.dumps({"infer": done.infer, "total": done.total, "peak_bytes": done.peak_bytes}))
