"""Fixtures of the worker's tests: a reading process that fails as it is told, and what it is given to read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.core.types import InstanceFile, Subject
from services.settings import Settings
from services.worker.leash import leashed
from services.worker.reader import Reader


def faulty(descriptor: int) -> list[str]:
    """The command line of the reading process that fails as it is told."""
    return leashed("module", "tests.services.worker.faulty_reader", str(descriptor))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader whose process fails as it is told; it outlives the tests that leave it alive."""
    folder = tmp_path_factory.mktemp("reader")
    reader = Reader(Settings(data_dir=folder / "data", models_dir=folder / "models"), faulty)
    yield reader
    reader.end()


@pytest.fixture
def photograph(synthetic_dicom):
    """Makes a subject of one image; its kind tells the reading process what to do."""
    image = InstanceFile(synthetic_dicom(SOPInstanceUID="1.2.3"), "0" * 64, "1.2.3", "", "OP", "1.2.4", "1.2.5")
    return lambda kind: Subject(kind, (image,))
