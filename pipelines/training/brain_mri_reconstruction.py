"""Train the reconstruction network: `python -m pipelines.training.brain_mri_reconstruction --data DATA --out OUT`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch

from pipelines.core.figures import Figure
from pipelines.imaging.acquired import Reconstructor
from pipelines.nets.bundle import open_bundle
from pipelines.nets.classical import CompressedSensing, Sense, ZeroFilled
from pipelines.nets.learned import Unrolled
from pipelines.training.kspace_simulation import Volume, read_volume
from pipelines.training.reconstruction_assemble import write_figures, write_parameters, write_weights
from pipelines.training.reconstruction_cases import Case, fitting_cases, measured_cases, simulated_cases
from pipelines.training.reconstruction_figures import Row, best_weight, measure, summary, uncertainty_scale
from pipelines.training.reconstruction_fit import prepare, train
from pipelines.training.reconstruction_recipe import ReconstructionRecipe, read_recipe, write_recipe

VOLUMES = Path("magnitude_volumes")
MEASURED = {  # the name of its figures -> file
    "measured_16_coils": Path("measured_invivo/brain_flash_16ch_128x128.h5"),
    "measured_2_coils": Path("measured_invivo/brain_flash_bodycoil_2ch_128x128.h5"),
}
SIMULATED = "simulated"
BASELINES = Path("baselines.json")
SENSE_WEIGHTS = (0.003, 0.01, 0.03)
WAVELET_WEIGHTS = (0.001, 0.003, 0.01, 0.03)


def main() -> None:
    """Train, going on where an interrupted run stopped; with --assemble write the bundle from the run instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with magnitude_volumes/ and measured_invivo/")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints; an interrupted run goes on")
    parser.add_argument("--recipe", type=Path, help="a train.json; without it the recipe in reconstruction_recipe.py")
    parser.add_argument("--baselines", action="store_true", help="fit and measure the classical methods; takes long")
    parser.add_argument("--assemble", type=Path, metavar="BUNDLE", help="write this bundle from the run")
    arguments = parser.parse_args()
    if arguments.baselines:
        measure_baselines(arguments.data, arguments.out)
    elif arguments.assemble:
        assemble(arguments.data, arguments.out, arguments.assemble)
    else:
        recipe = read_recipe(arguments.recipe) if arguments.recipe else ReconstructionRecipe()
        run(arguments.data, arguments.out, recipe)


def run(data: Path, out: Path, recipe: ReconstructionRecipe) -> None:
    """Train `recipe` on the magnitude volumes in `data`; everything is written below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    write_recipe(recipe, out / "train.json")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng():
        train(prepare(recipe, training_volumes(data, recipe), device), out)


def training_volumes(data: Path, recipe: ReconstructionRecipe) -> list[Volume]:
    """The volumes that the recipe trains on."""
    return [read_volume(data / VOLUMES / name) for name in recipe.volumes]


def held_out(data: Path) -> dict[str, list[Case]]:
    """The cases that nothing was trained or fitted on, by the name of their figures."""
    measured = {name: list(measured_cases(data / path)) for name, path in MEASURED.items()}
    return {SIMULATED: list(simulated_cases(data / VOLUMES))} | measured


def measure_baselines(data: Path, out: Path) -> None:
    """Choose the classical methods' weights on training subjects, measure them, and write it all to baselines.json.

    They do not depend on the network, and compressed sensing takes longer than everything else together.
    """
    recipe = read_recipe(out / "train.json")
    fitting = list(fitting_cases(training_volumes(data, recipe), recipe.simulation))
    weights = {
        Sense.name: best_weight(fitting, Sense, SENSE_WEIGHTS),
        CompressedSensing.name: best_weight(fitting, CompressedSensing, WAVELET_WEIGHTS),
    }
    methods: list[Reconstructor] = [
        ZeroFilled(),
        Sense(weights[Sense.name]),
        CompressedSensing(weights[CompressedSensing.name]),
    ]
    rows = {name: [asdict(row) for row in measure(cases, methods)] for name, cases in held_out(data).items()}
    (out / BASELINES).write_text(json.dumps({"weights": weights, "rows": rows}), encoding="utf-8")


def assemble(data: Path, out: Path, bundle: Path) -> None:
    """Write `bundle`, which must hold its configs/metadata.json and card: weights, parameters and figures."""
    if not (out / BASELINES).exists():
        measure_baselines(data, out)
    baselines = json.loads((out / BASELINES).read_text(encoding="utf-8"))
    recipe = read_recipe(out / "train.json")
    write_weights(out, bundle)
    write_parameters(recipe, bundle, baselines["weights"], scale=1.0)
    fitting = fitting_cases(training_volumes(data, recipe), recipe.simulation)
    scale = uncertainty_scale(fitting, Unrolled(open_bundle(bundle)))
    write_parameters(recipe, bundle, baselines["weights"], scale)
    network = Unrolled(open_bundle(bundle))
    figures: dict[str, Figure] = {}
    for name, cases in held_out(data).items():
        rows = [Row(**row) for row in baselines["rows"][name]] + measure(cases, [network])
        figures |= summary(name, rows)
    write_figures(bundle, figures)


if __name__ == "__main__":
    main()
