"""The training command on tiny volumes: it trains, goes on where it stopped, and writes a bundle that opens."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import torch

from pipelines.imaging.fourier import rss, to_image
from pipelines.nets.bundle import open_bundle
from pipelines.nets.reconstructors import reconstructors
from pipelines.training.brain_mri_reconstruction import BASELINES, MEASURED, VOLUMES, assemble, measure_baselines, run
from pipelines.training.kspace_simulation import Simulation
from pipelines.training.reconstruction_cases import ACCELERATIONS, simulated_cases
from pipelines.training.reconstruction_fit import AVERAGED, schedule
from pipelines.training.reconstruction_recipe import ReconstructionRecipe, read_recipe, write_recipe
from tests.pipelines.mri_samples import brain

SHIPPED = Path(__file__).parents[3] / "models/brain_mri_reconstruction"
TINY = ReconstructionRecipe(
    volumes=("one.nii.gz",),
    steps=4,
    cascades=2,
    channels=(4, 4),
    warmup=1,
    checkpoint=2,
    simulation=Simulation(matrix=(48, 56), coils=(2, 3), slices=(1, 2)),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A training volume, a held-out one, and both measured files, all small."""
    folder = tmp_path / "data"
    (folder / VOLUMES).mkdir(parents=True)
    magnitude = rss(to_image(brain(6, 2, 56))).transpose(2, 1, 0) * 900
    for name in (*TINY.volumes, "btp002_T2.nii.gz"):
        nibabel.nifti1.Nifti1Image(magnitude.astype(np.int16), np.diag([3, 3, 4, 1])).to_filename(
            folder / VOLUMES / name
        )
    for path in MEASURED.values():
        (folder / path).parent.mkdir(exist_ok=True)
        with h5py.File(folder / path, "w") as file:
            file["kspace"] = brain(1, 2, 56)
    return folder


def test_an_interrupted_run_ends_with_the_same_weights(data: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(data, whole, TINY)
    # The first part is the same schedule, cut short: nothing falls to zero before the last step.
    run(data, parts, replace(TINY, steps=2, cooling=0.0))
    first = torch.load(parts / AVERAGED, weights_only=True)
    run(data, parts, TINY)
    one, other = (torch.load(folder / AVERAGED, weights_only=True) for folder in (whole, parts))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert any(not torch.equal(first[name], other[name]) for name in one)


def test_training_leaves_the_global_random_state_alone(data: Path, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    run(data, tmp_path / "out", TINY)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_assembled_bundle_opens_and_its_card_tells_its_figures(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.training.reconstruction_cases.FITTING", 2)
    monkeypatch.setattr("pipelines.training.reconstruction_cases.MASKS", 1)
    bundle, out = tmp_path / "bundle", tmp_path / "out"
    (bundle / "configs").mkdir(parents=True)
    (bundle / "docs").mkdir()
    (bundle / "configs/metadata.json").write_text('{"name": "tiny", "version": "1.0.0"}')
    (bundle / "docs/README.md").write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n")
    run(data, out, TINY)
    measure_baselines(data, out)
    assemble(data, out, bundle)
    opened = open_bundle(bundle)
    assert set(reconstructors(opened)) == {"zero_filled", "sense", "compressed_sensing", "unrolled"}
    assert json.loads((out / BASELINES).read_text())["weights"]["sense"] == opened.inference["sense"]["weight"]
    card = (bundle / "docs/README.md").read_text()
    assert "old" not in card
    assert "| simulated 8x unrolled ssim |" in card
    assert {f"measured_2_coils_{speed}x_zero_filled_psnr" for speed in ACCELERATIONS} <= set(
        opened.metadata["eval_metrics"]
    )


def test_held_out_volumes_alone_are_simulated_for_figures(data: Path) -> None:
    assert {case.name for case in simulated_cases(data / VOLUMES)} == {"btp002_T2.nii.gz"}


def test_a_written_recipe_is_read_back_the_same(tmp_path: Path) -> None:
    write_recipe(TINY, tmp_path / "train.json")
    assert read_recipe(tmp_path / "train.json") == TINY


def test_the_shipped_recipe_is_the_one_the_command_runs() -> None:
    assert read_recipe(SHIPPED / "configs/train.json") == ReconstructionRecipe()


def test_no_held_out_subject_is_in_the_shipped_recipe() -> None:
    assert not [name for name in read_recipe(SHIPPED / "configs/train.json").volumes if name.startswith("btp")]


def test_the_rate_rises_holds_and_falls_to_nothing() -> None:
    recipe = ReconstructionRecipe(steps=100, warmup=10, cooling=0.5)
    rates = [schedule(step, recipe) for step in range(101)]
    assert rates[:10] == sorted(rates[:10])
    assert set(rates[10:50]) == {1.0}
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert rates[100] == pytest.approx(0, abs=1e-9)
