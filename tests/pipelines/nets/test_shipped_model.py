"""The bundle that is shipped: whole, described, documented with its own figures, and the same in every engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from monai.bundle import ConfigParser

from pipelines.core.receipt import digest
from pipelines.imaging.fundus import assess_quality, find_retina, normalise, prepare
from pipelines.nets.backbones import Grader, backbone
from pipelines.nets.bundle import Bundle, open_bundle
from pipelines.nets.cam import grad_cam, is_degenerate
from pipelines.nets.grading import GRADES, Grading, read_grading
from pipelines.nets.precision import head_weights, openvino_engine, torch_engine
from tests.pipelines.nets.conftest import REQUIRED_BY_MONAI

FOLDER = Path(__file__).parents[3] / "models/fundus_dr_grading"

#: What the figures in metadata.json were measured with: the weights, and the parameters that grade.
MEASURED_WEIGHTS = "02fbf634e8a35c951d32b31c154b9aee093b671d118cf6f3c81720356b61b4e3"
MEASURED_PARAMETERS = "d48129249f5cf616a9d763c90bfa0be1c755a7c9aee827dd2c63248e9e6e558b"


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """The bundle in models/."""
    return open_bundle(FOLDER)


@pytest.fixture(scope="module")
def grading(shipped: Bundle) -> Grading:
    """Its parameters."""
    return read_grading(shipped)


def real_photograph(grading: Grading) -> np.ndarray:
    """(1, 3, size, size): scikit-image's retina as the network reads it."""
    picture = skimage.data.retina()
    retina = find_retina(picture)
    assert retina is not None
    return normalise(prepare(picture, retina, grading.input_size), grading.mean, grading.std)[None]


def test_the_metadata_hold_what_monai_requires(shipped: Bundle) -> None:
    assert set(shipped.metadata) >= REQUIRED_BY_MONAI


def test_the_metadata_describe_the_network(shipped: Bundle, grading: Grading) -> None:
    data_format = shipped.metadata["network_data_format"]
    definition = shipped.inference["network_def"]
    channels = backbone(definition["name"]).channels * definition["members"]
    assert data_format["inputs"]["image"]["spatial_shape"] == [grading.input_size, grading.input_size]
    assert data_format["outputs"]["pred"]["num_channels"] == definition["outputs"]
    assert data_format["outputs"]["features"]["num_channels"] == channels
    assert head_weights(shipped).shape == (definition["outputs"], channels)


def test_the_networks_are_those_that_the_figures_were_measured_of(shipped: Bundle) -> None:
    """1.1.0 knows its training photographs beside the networks of 1.0.0: the same weights give the same logits."""
    assert shipped.weights_sha256 == MEASURED_WEIGHTS
    grading = {name: value for name, value in shipped.inference.items() if name != "familiarity"}
    assert digest(grading) == MEASURED_PARAMETERS


def test_monai_builds_the_network_from_the_config() -> None:
    parser = ConfigParser()
    parser.read_config(FOLDER / "configs/inference.json")
    assert isinstance(parser.get_parsed_content("network_def"), Grader)


def test_the_stored_parameters_are_in_range(grading: Grading) -> None:
    assert 0.3 < grading.calibration.temperature < 3
    assert 0 < grading.referable_threshold < 0.9
    assert 1 / GRADES < grading.abstain_below < 0.9


def test_the_card_states_the_figures_that_were_measured(shipped: Bundle) -> None:
    card = (FOLDER / "docs/README.md").read_text()
    for name, figure in shipped.metadata["eval_metrics"].items():
        row = f"| {name.replace('_', ' ')} | {figure['value']:.3f} | {figure['low']:.3f} to {figure['high']:.3f} |"
        assert row in card


def test_weights_and_card_come_with_a_licence() -> None:
    assert "Apache License" in (FOLDER / "LICENSE").read_text()


def test_a_real_photograph_is_read_alike_by_both_engines_and_explained(shipped: Bundle, grading: Grading) -> None:
    image = real_photograph(grading)
    one, other = openvino_engine(shipped).run(image), torch_engine(shipped).run(image)
    assert np.abs(one.logits - other.logits).max() <= 1e-4
    read = grading.read(one.logits[0])
    assert sum(read.probabilities) == pytest.approx(1)
    assert not is_degenerate(grad_cam(one.features[0], head_weights(shipped)[read.grade]))


def test_the_real_photograph_passes_the_stored_quality_limits(grading: Grading) -> None:
    picture = skimage.data.retina()
    assert assess_quality(picture, find_retina(picture), grading.quality).gradable
