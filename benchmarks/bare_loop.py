"""The bare loop beside which reprocessing is measured: decode, infer, nothing else. Paths come on standard input."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.imaging.fundus import Retina, normalise, prepare
from pipelines.imaging.pixels import decode
from pipelines.nets.bundle import open_bundle
from pipelines.nets.grading import Grading, read_grading
from pipelines.nets.precision import Engine, choose_engine

MODEL = Path(__file__).resolve().parents[1] / "models" / "fundus_dr_grading"


def run(paths: Sequence[Path], engine: Engine, grading: Grading) -> None:
    """Every photograph through the network, a batch at a time; no retina is looked for, no quality, no map, no row."""
    size = grading.input_size
    images = np.zeros((engine.batch, 3, size, size), np.float32)
    for first in range(0, len(paths), engine.batch):
        for place, path in enumerate(paths[first : first + engine.batch]):
            picture = decode(path, grading.decode_min_side).array
            height, width = picture.shape[:2]
            whole = Retina(0, 0, width, height, 1.0)
            images[place] = normalise(prepare(picture, whole, size), grading.mean, grading.std)
        engine.run(images)


def main() -> None:
    """Print the seconds that the loop took and those of all processors; loading and a first batch are not counted."""
    bundle = open_bundle(MODEL)
    engine, grading = choose_engine(bundle), read_grading(bundle)
    paths = [Path(line) for line in sys.stdin.read().splitlines()]
    run(paths[: engine.batch], engine, grading)
    begin, used = time.perf_counter(), time.process_time()
    run(paths, engine, grading)
    print(time.perf_counter() - begin, time.process_time() - used)


if __name__ == "__main__":
    main()
