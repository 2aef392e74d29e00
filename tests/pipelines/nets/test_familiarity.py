"""What the shipped model says of photographs that are unlike those it was trained on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from pipelines.core.errors import ModelError, WeightsRefused
from pipelines.core.types import Familiarity
from pipelines.imaging.fundus import find_retina, normalise, prepare
from pipelines.imaging.overlay import retina_or_whole
from pipelines.imaging.rendition import SIDE, rendition
from pipelines.nets.bundle import open_bundle
from pipelines.nets.familiarity import plain, read_known
from pipelines.nets.grading import read_grading
from pipelines.nets.precision import openvino_engine
from pipelines.training.familiarity import fit, write
from tests.pipelines.drawn_photographs import PHOTOGRAPHS, drawn

FOLDER = Path(__file__).parents[3] / "models/fundus_dr_grading"
#: The camera of the training photographs cuts its round field: 640 px of 770 are left in height.
CUT = (1 - 640 / 770) / 2
Judge = Callable[[np.ndarray, str | None], Familiarity]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Picture and camera -> what the shipped model says of them."""
    bundle = open_bundle(FOLDER)
    known, grading, engine = read_known(bundle), read_grading(bundle), openvino_engine(bundle)
    assert known is not None

    def judged(picture: np.ndarray, camera: str | None) -> Familiarity:
        square = prepare(picture, retina_or_whole(picture, find_retina(picture)), grading.input_size)
        image = normalise(square, grading.mean, grading.std)[None]
        return known.judge(engine.run(image).features[0], square, camera)

    return judged


@pytest.fixture(scope="module")
def as_trained() -> np.ndarray:
    """A real photograph of another camera, its field cut above and below as in the training photographs."""
    picture = skimage.data.retina().copy()
    margin = round(picture.shape[0] * CUT)
    picture[:margin] = picture[-margin:] = 0
    return picture


def test_a_photograph_like_those_of_training_is_familiar(judge: Judge, as_trained: np.ndarray) -> None:
    told = judge(as_trained, None)
    assert told.familiar
    assert 0 < told.score == max(told.parts.values()) <= told.limit


def test_the_round_field_of_another_camera_is_not(judge: Judge) -> None:
    told = judge(skimage.data.retina(), None)
    assert not told.familiar
    assert told.parts["rendition"] > told.limit


@pytest.mark.parametrize("shift", [lambda rgb: 255 - rgb, lambda rgb: rgb * np.array([0, 1, 0], np.uint8)])
def test_colours_that_no_retina_has_are_not(
    judge: Judge, as_trained: np.ndarray, shift: Callable[[np.ndarray], np.ndarray]
) -> None:
    assert not judge(shift(as_trained), None).familiar


def test_a_cup_of_coffee_is_unlike_a_retina_in_what_it_shows(judge: Judge) -> None:
    told = judge(skimage.data.coffee(), None)
    assert told.parts["content"] > told.limit
    assert not told.familiar


def test_the_same_photograph_gives_the_same_score(judge: Judge, as_trained: np.ndarray) -> None:
    assert judge(as_trained, None) == judge(as_trained, None)


@pytest.mark.parametrize(
    ("camera", "known"),
    [
        (None, None),
        ("VX-10 alpha", True),
        ("KOWA VX-10\u03b1", True),
        ("VX-10a", True),
        ("VX-10", False),
        ("NW400", False),
    ],
)
def test_a_camera_is_known_by_its_name(
    judge: Judge, as_trained: np.ndarray, camera: str | None, known: bool | None
) -> None:
    told = judge(as_trained, camera)
    assert (told.camera, told.camera_known) == (camera, known)
    assert told.familiar


def test_names_are_compared_by_their_letters() -> None:
    assert plain("Kowa VX-10 \u03b1") == plain("KOWA vx10 Alpha") == "kowavx10a"


def test_a_black_picture_has_figures_too() -> None:
    figures = rendition(np.zeros((4 * SIDE, 4 * SIDE, 3), np.uint8))
    assert np.isfinite(figures).all()
    assert figures[-1] == 0


@pytest.fixture
def knowing(made_bundle: Path, tmp_path: Path) -> Path:
    """The small bundle with what it knows of drawn photographs."""
    folder = Path(shutil.copytree(made_bundle, tmp_path / "bundle"))
    write(folder, fit(drawn(0), directions=8))
    return folder


def test_what_was_fitted_is_what_the_bundle_knows(knowing: Path, made_bundle: Path) -> None:
    known = read_known(open_bundle(knowing))
    assert known is not None
    assert known.limits == fit(drawn(0), directions=8).limits(np.arange(PHOTOGRAPHS))
    assert open_bundle(knowing).weights_sha256 == open_bundle(made_bundle).weights_sha256
    assert read_known(open_bundle(made_bundle)) is None


def test_another_spread_than_the_pinned_one_is_refused(knowing: Path) -> None:
    path = knowing / "models/familiarity.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(WeightsRefused):
        read_known(open_bundle(knowing))


def test_parameters_that_lack_the_limits_are_a_fault_of_the_bundle(knowing: Path) -> None:
    path = knowing / "configs/inference.json"
    stored = json.loads(path.read_text())
    del stored["familiarity"]["limits"]
    path.write_text(json.dumps(stored))
    with pytest.raises(ModelError, match="familiarity"):
        read_known(open_bundle(knowing))
