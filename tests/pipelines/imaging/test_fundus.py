"""The retina finder, the square a network reads and the quality gate, on a real photograph and on hostile pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from pipelines.imaging.fundus import (
    Picture,
    QualityLimits,
    Retina,
    assess_quality,
    find_retina,
    normalise,
    prepare,
)

LIMITS = QualityLimits(sharpness=0.2, dark=28.0, bright=185.0, saturated=0.2)


@pytest.fixture(scope="module")
def photograph() -> Picture:
    """scikit-image's real fundus photograph, 1411 x 1411."""
    return skimage.data.retina()


def found(picture: Picture) -> Retina:
    retina = find_retina(picture)
    assert retina is not None
    return retina


def grey(picture: np.ndarray) -> Picture:
    levels = picture.astype(np.uint8) * 255 if picture.dtype == bool else picture
    return np.dstack([levels] * 3)


def test_the_retina_of_a_real_photograph_is_found_at_its_edges(photograph: Picture) -> None:
    retina = found(photograph)
    assert max(retina.x0, retina.y0) < 20
    assert min(retina.x1, retina.y1) > 1411 - 20
    assert retina.coverage == pytest.approx(np.pi / 4, abs=0.03)


def test_a_retina_cut_off_by_the_frame_is_found(photograph: Picture) -> None:
    retina = found(photograph[200:1200])
    assert (retina.y0, retina.y1) == (0, 1000)


def test_a_retina_on_a_wide_black_frame_is_found_where_it_is(photograph: Picture) -> None:
    framed = cv2.copyMakeBorder(photograph, 0, 0, 500, 300, cv2.BORDER_CONSTANT)
    retina = found(framed)
    assert retina.x0 == pytest.approx(found(photograph).x0 + 500, abs=10)


def test_a_reduced_copy_gives_nearly_the_same_square(photograph: Picture) -> None:
    reduced = cv2.resize(photograph, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    full = prepare(photograph, found(photograph), 448).astype(int)
    half = prepare(reduced, found(reduced), 448).astype(int)
    assert np.abs(full - half).mean() < 2.0


@pytest.mark.parametrize(
    "name", ["astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "immunohistochemistry"]
)
def test_a_colour_picture_of_something_else_has_no_retina(name: str) -> None:
    try:
        picture = getattr(skimage.data, name)()
    except (ModuleNotFoundError, OSError):  # some pictures are fetched on demand
        pytest.skip(f"{name} is not in this scikit-image")
    assert find_retina(picture) is None


@pytest.mark.parametrize("name", ["camera", "coins", "page", "text", "moon", "clock", "brick", "horse"])
def test_a_grey_picture_of_something_else_has_no_retina(name: str) -> None:
    try:
        picture = getattr(skimage.data, name)()
    except (ModuleNotFoundError, OSError):
        pytest.skip(f"{name} is not in this scikit-image")
    assert find_retina(grey(picture)) is None


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_an_even_picture_has_no_retina(level: int) -> None:
    assert find_retina(np.full((300, 400, 3), level, np.uint8)) is None


def test_noise_has_no_retina() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (500, 500, 3), np.uint8)
    assert find_retina(noise) is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (2, 2, 3), (9000, 33, 3)])
def test_a_degenerate_picture_has_no_retina(shape: tuple[int, int, int]) -> None:
    assert find_retina(np.full(shape, 200, np.uint8)) is None


def test_a_blue_disc_is_not_a_retina(photograph: Picture) -> None:
    assert find_retina(np.ascontiguousarray(photograph[..., ::-1])) is None


def test_an_orange_square_is_not_a_retina() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[60:340, 60:340] = (200, 90, 40)
    assert find_retina(picture) is None


def test_the_square_is_padded_with_black_and_keeps_its_proportions() -> None:
    picture = np.full((100, 200, 3), 90, np.uint8)
    square = prepare(picture, Retina(0, 0, 200, 100, 1.0), 64)
    assert square.shape == (64, 64, 3)
    assert not square[:16].any()
    assert (square[16:48] == 90).all()


def test_normalise_moves_channels_first_and_scales() -> None:
    image = np.array([[[0, 255, 51]]], np.uint8)
    answer = normalise(image, (0.5, 0.5, 0.0), (0.5, 0.5, 0.1))
    assert answer.dtype == np.float32
    assert answer[:, 0, 0] == pytest.approx([-1.0, 1.0, 2.0])


def test_a_sharp_well_lit_photograph_is_gradable(photograph: Picture) -> None:
    quality = assess_quality(photograph, found(photograph), LIMITS)
    assert quality.gradable
    assert quality.score > 0.7
    assert quality.reasons == ()


def test_a_blurred_photograph_is_not_gradable(photograph: Picture) -> None:
    blurred = cv2.GaussianBlur(photograph, (0, 0), 12)
    quality = assess_quality(blurred, found(blurred), LIMITS)
    assert (quality.gradable, quality.reasons) == (False, ("blur",))
    assert quality.score < 0.5


def test_a_dark_photograph_is_not_gradable(photograph: Picture) -> None:
    dark = (photograph * 0.2).astype(np.uint8)
    assert "dark" in assess_quality(dark, found(dark), LIMITS).reasons


def test_an_overexposed_photograph_is_not_gradable(photograph: Picture) -> None:
    lit = photograph.max(axis=2, keepdims=True) > 20
    bright = np.where(lit, np.clip(photograph * 3.0 + 40, 0, 255), 0).astype(np.uint8)
    bright[..., 2] = np.minimum(bright[..., 2], bright[..., 1] // 2)
    assert "bright" in assess_quality(bright, found(bright), LIMITS).reasons


def test_a_picture_without_a_retina_is_not_gradable() -> None:
    quality = assess_quality(np.zeros((10, 10, 3), np.uint8), None, LIMITS)
    assert (quality.gradable, quality.score, quality.reasons) == (False, 0.0, ("no_retina",))
