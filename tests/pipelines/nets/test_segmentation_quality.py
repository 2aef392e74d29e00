"""Agreement is 1 for answers without doubt, falls with doubt and with quarrel, and is 0 where nothing was found."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.nets.segmentation_quality import QualityRule, expected_dice, self_agreement

STRUCTURES = {"anterior": 1, "posterior": 2}
RULE = QualityRule(slope=2.0, intercept=-1.0, threshold=0.7)


def view(sureness: float, shift: int = 0) -> np.ndarray:
    """(3, 12, 12, 12) probabilities of two blocks side by side, `shift` voxels along x from their place."""
    labels = np.zeros((12, 12, 12), int)
    labels[3 + shift : 8 + shift, 2:6, 3:9] = 1
    labels[3 + shift : 8 + shift, 6:10, 3:9] = 2
    others = (1 - sureness) / 2
    return np.moveaxis(np.eye(3, dtype=np.float32)[labels] * (sureness - others) + others, -1, 0).astype(np.float32)


def test_views_of_one_mind_without_doubt_agree_wholly() -> None:
    assert self_agreement(np.stack([view(1.0), view(1.0)]), STRUCTURES) == pytest.approx(dict.fromkeys(STRUCTURES, 1))


def test_doubt_and_quarrel_lower_the_agreement() -> None:
    sure = self_agreement(np.stack([view(0.95), view(0.95)]), STRUCTURES)
    doubtful = self_agreement(np.stack([view(0.6), view(0.6)]), STRUCTURES)
    quarrelling = self_agreement(np.stack([view(0.95), view(0.95, shift=2)]), STRUCTURES)
    for name in STRUCTURES:
        assert doubtful[name] < sure[name]
        assert quarrelling[name] < sure[name]


def test_a_structure_that_was_not_found_has_no_quality() -> None:
    nothing = np.zeros((2, 3, 6, 6, 6), np.float32)
    nothing[:, 0] = 1
    assert expected_dice(nothing, STRUCTURES, RULE) == {"anterior": 0.0, "posterior": 0.0}


def test_the_expected_dice_stays_within_its_bounds() -> None:
    assert RULE.predicted(1.0) == 1.0
    assert RULE.predicted(0.9) == pytest.approx(0.8)
    assert RULE.predicted(0.1) == 0.0
    assert QualityRule(5.0, -1.0, 0.5).predicted(0.9) == 1.0
