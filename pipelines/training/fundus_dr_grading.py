"""Train the retinopathy grader: `python -m pipelines.training.fundus_dr_grading --data FOLDER --out FOLDER`."""

from __future__ import annotations

import argparse
import copy
import json
from dataclasses import asdict
from pathlib import Path

import torch

from pipelines.nets.backbones import Grader, backbone, grader, load_by_order
from pipelines.nets.grading import OUTPUTS
from pipelines.training.assemble import assemble
from pipelines.training.choices import choices
from pipelines.training.fit import Fold, optimiser, place, train
from pipelines.training.photographs import Photographs, read_photographs
from pipelines.training.predictions import predict_out_of_fold
from pipelines.training.recipe import Recipe, read_recipe, write_recipe


def main() -> None:
    """Train every fold that is not finished; with --assemble write the bundle from the finished folds instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with fundus.csv and images/")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints; an interrupted run goes on")
    parser.add_argument("--recipe", type=Path, help="a train.json; without it the recipe in recipe.py")
    parser.add_argument("--fold", type=int, action="append", help="only this fold (repeatable)")
    parser.add_argument("--assemble", type=Path, metavar="BUNDLE", help="write this bundle from the finished folds")
    parser.add_argument(
        "--compare", action="store_true", help="print what each choice is worth, from the finished folds"
    )
    parser.add_argument("--checkpoint", choices=("best", "last"), default="best")
    arguments = parser.parse_args()
    if arguments.compare:
        compare(arguments.data, arguments.out)
        return
    if arguments.assemble:
        finish(arguments.data, arguments.out, arguments.checkpoint, arguments.assemble)
        return
    recipe = read_recipe(arguments.recipe) if arguments.recipe else Recipe()
    run(arguments.data, arguments.out, recipe, arguments.fold or list(range(recipe.folds)))


def run(data: Path, out: Path, recipe: Recipe, folds: list[int]) -> None:
    """Train `folds` of `recipe` on the photographs in `data`; everything is written below `out`."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    out.mkdir(parents=True, exist_ok=True)
    write_recipe(recipe, out / "train.json")
    large, exact = read_photographs(data, recipe.source_size), read_photographs(data, recipe.size)
    with torch.random.fork_rng():
        for number in folds:
            fold = prepare_fold(recipe, number, large, exact, device)
            train(fold, out / f"fold{number}")


def prepare_fold(recipe: Recipe, number: int, large: Photographs, exact: Photographs, device: torch.device) -> Fold:
    """The fold's photographs and a fresh network with ImageNet features; `large` for training, `exact` to validate."""
    torch.manual_seed(recipe.seed + number)  # the new head
    network = place(pretrained(recipe), device)
    averaged = copy.deepcopy(network).eval().requires_grad_(False)
    held_out = large.fold == number
    return Fold(
        recipe=recipe,
        number=number,
        training=large.rows(~held_out),
        validation=exact.rows(held_out),
        device=device,
        network=network,
        averaged=averaged,
        optimiser=optimiser(network, recipe),
    )


def pretrained(recipe: Recipe) -> Grader:
    """A single-member grader whose features start from ImageNet."""
    network = grader(recipe.backbone, 1, OUTPUTS)
    weights = backbone(recipe.backbone).imagenet
    if weights is not None:
        load_by_order(network.members[0], torch.load(weights(), map_location="cpu", weights_only=True))
    return network


def compare(data: Path, out: Path) -> None:
    """Print one JSON line for each combination of checkpoint, view, calibration and decision rule."""
    recipe = read_recipe(out / "train.json")
    photographs = read_photographs(data, recipe.size)
    for checkpoint in ("best", "last"):
        for choice in choices(predict_out_of_fold(recipe, out, checkpoint, photographs), checkpoint):
            print(json.dumps(asdict(choice)), flush=True)


def finish(data: Path, out: Path, checkpoint: str, bundle: Path) -> None:
    """Predict out of fold, fit, measure and write `bundle`, which must hold its configs/metadata.json."""
    recipe = read_recipe(out / "train.json")
    predictions = predict_out_of_fold(recipe, out, checkpoint, read_photographs(data, recipe.size))
    folds = [out / f"fold{number}" for number in range(recipe.folds)]
    assemble(recipe, predictions, folds, checkpoint, bundle)


if __name__ == "__main__":
    main()
