"""Fixtures of the science: one decoding child and one loaded pipeline for all tests, since both take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pipelines.imaging.decoder import Decoder
from pipelines.registry import entry
from pipelines.retinopathy import Retinopathy

MODEL = Path(__file__).resolve().parents[2] / "models" / "fundus_dr_grading"


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    """A decoding child that all tests share."""
    with Decoder() as shared:
        yield shared


@pytest.fixture(scope="session")
def retinopathy(decoder: Decoder) -> Retinopathy:
    """The real pipeline on the real bundle."""
    return Retinopathy(MODEL, entry("retinopathy"), decoder=decoder)


@pytest.fixture
def black_photo(tmp_path: Path) -> Path:
    """A picture without a retina."""
    path = tmp_path / "black_R.png"
    Image.new("RGB", (900, 700)).save(path)
    return path
