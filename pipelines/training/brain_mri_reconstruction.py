"""Train the reconstruction network: `python -m pipelines.training.brain_mri_reconstruction --data DATA --out OUT`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from pipelines.training.kspace_simulation import read_volume
from pipelines.training.reconstruction_fit import prepare, train
from pipelines.training.reconstruction_recipe import ReconstructionRecipe, read_recipe, write_recipe

VOLUMES = Path("magnitude_volumes")


def main() -> None:
    """Train, going on where an interrupted run stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with magnitude_volumes/ and measured_invivo/")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints; an interrupted run goes on")
    parser.add_argument("--recipe", type=Path, help="a train.json; without it the recipe in reconstruction_recipe.py")
    arguments = parser.parse_args()
    recipe = read_recipe(arguments.recipe) if arguments.recipe else ReconstructionRecipe()
    run(arguments.data, arguments.out, recipe)


def run(data: Path, out: Path, recipe: ReconstructionRecipe) -> None:
    """Train `recipe` on the magnitude volumes in `data`; everything is written below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    write_recipe(recipe, out / "train.json")
    volumes = [read_volume(data / VOLUMES / name) for name in recipe.volumes]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng():
        train(prepare(recipe, volumes, device), out)


if __name__ == "__main__":
    main()
