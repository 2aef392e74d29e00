"""The training command on a tiny drawn set: reproducible, resumable, and a bundle comes out that the engines run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.core.errors import BadInput
from pipelines.nets.bundle import open_bundle
from pipelines.nets.grading import OUTPUTS, read_grading
from pipelines.nets.precision import torch_engine
from pipelines.training.fundus_dr_grading import finish, run
from pipelines.training.recipe import Phase, Recipe

SIZE = 64
TINY = Recipe(folds=2, batch=4, source_size=96, phases=(Phase(1, SIZE, 6), Phase(1, SIZE, 3)))
ONE_EPOCH = Recipe(folds=2, batch=4, source_size=96, phases=(Phase(1, SIZE, 3),))
OTHER_SEED = Recipe(seed=1, folds=2, batch=4, source_size=96, phases=ONE_EPOCH.phases)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Sums in one order, so that equal seeds give equal bytes."""
    torch.set_num_threads(1)


def weights(out: Path) -> bytes:
    """The bytes of fold 0's averaged weights after the last epoch."""
    state = torch.load(out / "fold0/last.pt", weights_only=True)
    return b"".join(value.numpy().tobytes() for value in state.values())


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(labelled_folder: Path, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    for name, recipe in (("one", ONE_EPOCH), ("two", ONE_EPOCH), ("other", OTHER_SEED)):
        run(labelled_folder, tmp_path / name, recipe, [0])
    assert weights(tmp_path / "one") == weights(tmp_path / "two")
    assert weights(tmp_path / "one") != weights(tmp_path / "other")
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_interrupted_run_ends_in_the_same_bytes(
    labelled_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(labelled_folder, tmp_path / "whole", TINY, [0])
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("pipelines.training.fit.report", interrupt)
        run(labelled_folder, tmp_path / "cut", TINY, [0])
    run(labelled_folder, tmp_path / "cut", TINY, [0])
    assert weights(tmp_path / "whole") == weights(tmp_path / "cut")


def interrupt(*_: object) -> None:
    """What Ctrl-C after the first epoch does."""
    raise KeyboardInterrupt


def test_finished_folds_become_a_bundle_that_runs(labelled_folder: Path, tmp_path: Path) -> None:
    out, bundle_folder = tmp_path / "out", tmp_path / "bundle"
    run(labelled_folder, out, ONE_EPOCH, [0, 1])
    (bundle_folder / "configs").mkdir(parents=True)
    (bundle_folder / "configs/metadata.json").write_text(json.dumps({"name": "tiny", "version": "1"}))
    finish(labelled_folder, out, "last", bundle_folder)
    bundle = open_bundle(bundle_folder)
    answer = torch_engine(bundle).run(np.zeros((1, 3, SIZE, SIZE), np.float32))
    assert answer.logits.shape == (1, OUTPUTS)
    assert answer.features.shape == (1, 2 * 1280, 2, 2)
    assert sum(read_grading(bundle).read(answer.logits[0]).probabilities) == pytest.approx(1)
    figures = bundle.metadata["eval_metrics"]
    assert figures["quadratic_kappa"]["low"] <= figures["quadratic_kappa"]["high"]
    assert np.sum(bundle.metadata["confusion"]) == 12


def test_an_eye_in_two_folds_is_refused(labelled_folder: Path, tmp_path: Path) -> None:
    table = labelled_folder / "fundus.csv"
    table.write_text(table.read_text().replace("E1,", "E0,"))
    with pytest.raises(BadInput, match="two folds"):
        run(labelled_folder, tmp_path / "out", TINY, [0])


def test_a_photograph_without_a_retina_is_refused(labelled_folder: Path, tmp_path: Path) -> None:
    (labelled_folder / "images/3.png").write_bytes((labelled_folder / "images/3.png").read_bytes()[:50])
    with pytest.raises(BadInput):
        run(labelled_folder, tmp_path / "out", TINY, [0])
