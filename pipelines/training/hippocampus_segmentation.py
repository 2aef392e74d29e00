"""Train the segmenter: `python -m pipelines.training.hippocampus_segmentation --data FOLDER --out FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from pipelines.training.hippocampus_assemble import assemble
from pipelines.training.hippocampus_cases import Case, canvases, read_cases
from pipelines.training.hippocampus_fit import SETTLING, begin, settling, train
from pipelines.training.hippocampus_recipe import Recipe, read_recipe, write_recipe


def main() -> None:
    """Train every member that is not finished; with --assemble write the bundle from the finished members instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with cases.tsv, images/ and labels/")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints; an interrupted run goes on")
    parser.add_argument("--recipe", type=Path, help="a train.json; without it the recipe in hippocampus_recipe.py")
    parser.add_argument("--member", type=int, action="append", help="only this member (repeatable)")
    parser.add_argument("--assemble", type=Path, metavar="BUNDLE", help="write this bundle from the finished members")
    parser.add_argument("--threads", type=int, default=1, help="processor threads for the convolutions")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.assemble:
        finish(arguments.data, arguments.out, arguments.assemble)
        return
    recipe = read_recipe(arguments.recipe) if arguments.recipe else Recipe()
    run(arguments.data, arguments.out, recipe, arguments.member or list(range(len(recipe.members))))


def run(data: Path, out: Path, recipe: Recipe, members: list[int]) -> None:
    """Train `members` of `recipe` on the training cases in `data`; everything is written below `out`."""
    write_recipe(recipe, out / "train.json")
    training, _ = divided(read_cases(data, "train"), recipe)
    placed = canvases(training)
    with torch.random.fork_rng():
        for number in members:
            member, folder = begin(recipe, recipe.members[number], placed), out / f"member{number}"
            train(member, folder)
            train(settling(member), folder / SETTLING)


def finish(data: Path, out: Path, bundle: Path) -> None:
    """Fit what comes after the networks, measure and write `bundle`, which must hold its metadata.json and card."""
    recipe = read_recipe(out / "train.json")
    _, held_out = divided(read_cases(data, "train"), recipe)
    assemble(data, held_out, read_cases(data, "val"), recipe, out, bundle)


def divided(cases: list[Case], recipe: Recipe) -> tuple[list[Case], list[Case]]:
    """The cases the members learn from, and those held out for quality, calibration and bias."""
    order = np.random.default_rng(recipe.split_seed).permutation(len(cases))
    apart = set(order[: recipe.held_out].tolist())
    return (
        [case for row, case in enumerate(cases) if row not in apart],
        [case for row, case in enumerate(cases) if row in apart],
    )


if __name__ == "__main__":
    main()
