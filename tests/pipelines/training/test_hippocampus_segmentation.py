"""The training command on a tiny drawn set: reproducible, resumable, and its members fit a bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipelines.training.hippocampus_assemble import averaged, shift_background
from pipelines.training.hippocampus_cases import read_cases
from pipelines.training.hippocampus_fit import begin, resume, settling
from pipelines.training.hippocampus_recipe import Member, Recipe, Settling, read_recipe, write_recipe
from pipelines.training.hippocampus_segmentation import divided, run
from tests.pipelines.training.hippocampus_samples import write_cases

TINY = Recipe(
    members=(Member(1, 2), Member(2, 1)),
    held_out=1,
    filters=(2, 4, 4, 4),
    patch=(16, 24, 16),
    rate=5e-3,
    average=0.5,
    settling=Settling(epochs=1),
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Sums in one order, so that equal seeds give equal bytes."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cases(tmp_path_factory.mktemp("hippocampus") / "data", training=5, validation=1)


def weights(out: Path, member: int) -> bytes:
    """The bytes of a member's averaged weights."""
    state = torch.load(out / f"member{member}/settling/last.pt", weights_only=True)["averaged"]
    return b"".join(value.numpy().tobytes() for value in state.values())


def test_an_interrupted_run_ends_in_the_same_bytes_and_another_member_in_others(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.random.get_rng_state()
    run(data, tmp_path / "whole", TINY, [0, 1])
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("pipelines.training.hippocampus_fit.report", interrupt)
        run(data, tmp_path / "cut", TINY, [0])
    run(data, tmp_path / "cut", TINY, [0])
    assert weights(tmp_path / "whole", 0) == weights(tmp_path / "cut", 0)
    assert weights(tmp_path / "whole", 0) != weights(tmp_path / "whole", 1)
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_second_part_goes_on_from_the_first_ones_averaged_weights(data: Path, tmp_path: Path) -> None:
    still = replace(TINY, settling=Settling(epochs=0))
    run(data, tmp_path, still, [0])
    first = begin(still, still.members[0], [])
    resume(first, tmp_path / "member0")
    second = settling(first)
    assert all(map(torch.equal, second.network.state_dict().values(), first.averaged.state_dict().values()))
    assert second.recipe.augmentation == Settling().augmentation
    assert second.step == 0


def interrupt(*_: object) -> None:
    """What Ctrl-C after the first epoch does."""
    raise KeyboardInterrupt


def test_a_finished_member_is_a_network_without_training_heads_and_takes_an_offset(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path, TINY, [0])
    network = averaged(TINY, tmp_path / "member0/settling")
    window = torch.linspace(-1, 1, 16**3).reshape(1, 1, 16, 16, 16)
    with torch.no_grad():
        plain = network(window)
        shift_background([network], 0.5)
        moved = network(window) - plain
    assert moved.shape == (1, 3, 16, 16, 16)
    assert torch.allclose(moved[:, 0], torch.tensor(0.5), atol=1e-5)
    assert not moved[:, 1:].any()


def test_the_held_out_cases_are_the_same_for_every_member_and_never_trained_on(data: Path) -> None:
    cases = read_cases(data, "train")
    training, held_out = divided(cases, TINY)
    assert len(held_out) == 1
    assert sorted(case.name for case in [*training, *held_out]) == [case.name for case in cases]
    assert divided(cases, TINY)[1][0].name == held_out[0].name


def test_a_recipe_reads_back_as_written_and_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    write_recipe(TINY, path)
    assert read_recipe(path) == TINY
    path.write_text(path.read_text().replace('"patch"', '"pach"'))
    with pytest.raises(TypeError, match="pach"):
        read_recipe(path)


def test_the_shipped_recipe_is_the_one_in_the_bundle() -> None:
    assert read_recipe(Path("models/hippocampus_segmentation/configs/train.json")) == Recipe()
