"""A recipe survives its file, and a misspelt setting does not pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.training.fit import schedule
from pipelines.training.recipe import Phase, Recipe, read_recipe, write_recipe

SHIPPED = Path(__file__).parents[3] / "models/fundus_dr_grading/configs/train.json"


def test_a_written_recipe_is_read_back_the_same(tmp_path: Path) -> None:
    recipe = Recipe(seed=5, phases=(Phase(1, 64, 2),))
    write_recipe(recipe, tmp_path / "train.json")
    assert read_recipe(tmp_path / "train.json") == recipe


def test_the_shipped_recipe_is_the_one_the_command_runs() -> None:
    assert read_recipe(SHIPPED) == Recipe()


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    write_recipe(Recipe(), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"lerning_rate": 1}))
    with pytest.raises(TypeError):
        read_recipe(path)


def test_epochs_fall_into_their_phases() -> None:
    recipe = Recipe(phases=(Phase(2, 64, 6), Phase(3, 96, 1)))
    assert [recipe.phase(epoch).size for epoch in range(recipe.epochs)] == [64, 64, 96, 96, 96]
    assert recipe.size == 96


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    rates = [schedule(share / 100, 0.1) for share in range(101)]
    assert max(rates) == rates[10] == 1.0
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
