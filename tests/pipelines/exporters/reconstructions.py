"""A made reading of reconstructed raw data: no model is needed to write one down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.core.codes import KSPACE_FILE
from pipelines.core.types import Artifact, ImageReading, Quality, Reading
from pipelines.exporters.base import Source
from pipelines.imaging.grid import Grid
from pipelines.imaging.kspace import Geometry, Protocol
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.series_facts import VOLUME_NAME, SeriesFacts, facts_artifact
from tests.pipelines.exporters.hippocampi import header
from tests.pipelines.exporters.samples import reading as eyes
from tests.pipelines.exporters.samples import source as photographs

UID = "1.2.3.6.1"
SHAPE = (10, 8, 3)


def source() -> Source:
    """The raw data's header."""
    return replace(photographs(), headers=(header(UID, KSPACE_FILE, SHAPE[2]),))


def reading() -> Reading:
    """Three slices, without findings."""
    grid = Grid(SHAPE, np.diag([2.0, 2.0, 5.0, 1.0]))
    values = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    facts = SeriesFacts(grid, Geometry.KNOWN, Protocol(), None, None, False, "zero_filled", 4.0, False)
    quality = Quality(True, 0.9)
    return replace(
        eyes(),
        pipeline="reconstruction",
        findings=(),
        images=(ImageReading(UID, None, quality, False, None, None, (VOLUME_NAME,)),),
        quality=quality,
        artifacts=(
            Artifact(VOLUME_NAME, "volume", "application/x-nifti", write_nifti(values, grid)),
            facts_artifact(facts),
        ),
    )
