"""Every engine gives the same numbers, with the feature map beside them."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from pipelines.core.errors import ModelError
from pipelines.nets.bundle import Bundle, build_network
from pipelines.nets.precision import Engine, choose_engine, head_weights, torch_engine
from tests.pipelines.nets.conftest import SIZE

AGREEMENT = 1e-4  # in units of a logit


@pytest.fixture
def images() -> np.ndarray:
    """(3, 3, SIZE, SIZE) float32 in -1 to 1."""
    return np.random.default_rng(3).uniform(-1, 1, (3, 3, SIZE, SIZE)).astype(np.float32)


def test_openvino_and_torch_agree(bundle: Bundle, openvino: Engine, images: np.ndarray) -> None:
    one, other = openvino.run(images), torch_engine(bundle).run(images)
    assert one.logits.shape == (3, 8)
    assert one.features.shape == (3, 2560, SIZE // 32, SIZE // 32)
    assert np.abs(other.logits).max() > 0.01
    assert np.abs(one.logits - other.logits).max() <= AGREEMENT
    assert np.abs(one.features - other.features).max() <= AGREEMENT * 6  # ReLU6: features reach 6


def test_the_logits_are_the_head_over_the_pooled_features(bundle: Bundle, openvino: Engine, images: np.ndarray) -> None:
    answer, head = openvino.run(images), build_network(bundle).head
    by_hand = answer.features.mean(axis=(2, 3)) @ head_weights(bundle).T + head.bias.numpy()
    assert np.allclose(answer.logits, by_hand, atol=AGREEMENT)


def test_the_ensemble_answers_the_mean_of_its_members(bundle: Bundle, images: np.ndarray) -> None:
    network = build_network(bundle)
    weight, bias = network.head.weight, network.head.bias
    pooled = [member(torch.from_numpy(images)).mean(dim=(2, 3)) for member in network.members]
    members = [pooled[i] @ (2 * weight[:, i * 1280 : (i + 1) * 1280]).T + bias for i in range(2)]
    expected = torch.stack(members).mean(dim=0).numpy()
    assert np.allclose(torch_engine(bundle).run(images).logits, expected, atol=1e-5)


def test_the_same_images_give_the_same_bytes(openvino: Engine, images: np.ndarray) -> None:
    first, second = openvino.run(images), openvino.run(images)
    assert first.logits.tobytes() == second.logits.tobytes()
    assert first.features.tobytes() == second.features.tobytes()


def test_an_image_gets_the_same_answer_alone_and_in_a_batch(openvino: Engine, images: np.ndarray) -> None:
    assert np.allclose(openvino.run(images[1:2]).logits, openvino.run(images).logits[1:2], atol=AGREEMENT)


def test_an_answer_outlives_the_next_run(openvino: Engine, images: np.ndarray) -> None:
    first = openvino.run(images)
    kept = first.logits.copy()
    openvino.run(-images)
    assert (first.logits == kept).all()


def test_running_an_engine_leaves_the_random_state_alone(bundle: Bundle, openvino: Engine, images: np.ndarray) -> None:
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()
    openvino.run(images)
    torch_engine(bundle).run(images)
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_openvino_in_float32_is_chosen(bundle: Bundle) -> None:
    engine = choose_engine(bundle)
    assert (engine.name, engine.precision, engine.device) == ("openvino", "float32", "cpu")
    assert engine.threads >= 1
    with pytest.raises(ModelError):
        torch_engine(bundle, "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_is_used_where_there_is_one_and_agrees(bundle: Bundle, openvino: Engine, images: np.ndarray) -> None:
    engine = choose_engine(bundle)
    assert (engine.name, engine.device) == ("torch", "cuda")
    assert np.abs(engine.run(images).logits - openvino.run(images).logits).max() <= AGREEMENT * 10
