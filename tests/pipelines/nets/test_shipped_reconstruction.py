"""The reconstruction bundle that is shipped: whole, described, documented with its own figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from monai.bundle import ConfigParser

from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.unrolled import UnrolledNetwork
from tests.pipelines.nets.conftest import REQUIRED_BY_MONAI

FOLDER = Path(__file__).parents[3] / "models/brain_mri_reconstruction"


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """The bundle in models/."""
    return open_bundle(FOLDER)


def test_the_metadata_hold_what_monai_requires(shipped: Bundle) -> None:
    assert set(shipped.metadata) >= REQUIRED_BY_MONAI


def test_monai_builds_the_network_from_the_config() -> None:
    parser = ConfigParser()
    parser.read_config(FOLDER / "configs/inference.json")
    assert isinstance(parser.get_parsed_content("network_def"), UnrolledNetwork)


def test_the_card_states_the_figures_that_were_measured(shipped: Bundle) -> None:
    card = (FOLDER / "docs/README.md").read_text()
    assert shipped.metadata["eval_metrics"]
    for name, figure in shipped.metadata["eval_metrics"].items():
        row = f"| {name.replace('_', ' ')} | {figure['value']:.4g} | {figure['low']:.4g} to {figure['high']:.4g} |"
        assert row in card


@pytest.mark.parametrize("speed", ["4x", "8x"])
@pytest.mark.parametrize("figure", ["ssim", "psnr"])
def test_on_simulated_subjects_never_seen_it_is_above_compressed_sensing(
    shipped: Bundle, speed: str, figure: str
) -> None:
    measured = shipped.metadata["eval_metrics"]
    learned, baseline, zero_filled = (
        measured[f"simulated_{speed}_{method}_{figure}"]["value"]
        for method in ("unrolled", "compressed_sensing", "zero_filled")
    )
    assert learned > baseline > zero_filled


def test_the_card_says_that_it_was_trained_on_simulated_data() -> None:
    assert "trained on **simulated** k-space" in (FOLDER / "docs/README.md").read_text()


def test_weights_and_card_come_with_a_licence() -> None:
    assert "Apache License" in (FOLDER / "LICENSE").read_text()
