"""Other people's bundles from the command line: added, refused with a reason, run on local files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from tests.pipelines import zoo_samples

Overread = Callable[..., Any]  # Any: conftest's Ended, which a test file cannot import


@pytest.mark.usefixtures("data")
def test_a_bundle_is_in_use_as_soon_as_it_was_added(overread: Overread, tmp_path: Path) -> None:
    added = overread("models", "add", zoo_samples.segmentation(tmp_path / "spleen_like"))
    assert added.code == 0, added.err
    assert "pipeline=spleen_like" in added.out
    [listed] = overread("models", "list", "--json").json
    assert (listed["name"], listed["pipeline"], listed["state"]) == ("spleen_like", "spleen_like", "active")


@pytest.mark.usefixtures("data")
def test_a_hostile_bundle_is_refused_in_one_sentence(overread: Overread, tmp_path: Path) -> None:
    folder = zoo_samples.segmentation(tmp_path / "spleen_like")
    path = folder / "configs" / "inference.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"inferer": f"$__import__('os').mkdir('{tmp_path}/x')"}))
    added = overread("models", "add", folder)
    assert added.code == 1
    assert "calls something that is not on the list" in added.err
    assert added.err.count("\n") == 1
    assert not (tmp_path / "x").exists()
    assert overread("models", "list", "--json").json == []


def test_local_files_are_read_with_a_bundle_under_any_name(overread: Overread, tmp_path: Path) -> None:
    folder = zoo_samples.regression(tmp_path / "age")
    array = np.random.default_rng(0).uniform(0, 100, (20, 20, 20)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4) * [2, 2, 2, 1]), tmp_path / "scan.nii")
    ended = overread("run", "my_age", tmp_path / "scan.nii", "-o", tmp_path / "out", "--model", folder, "--json")
    assert [finding["label"] for finding in ended.json["findings"]] == ["age", "thickness"]
    assert ended.json["pipeline"] == "my_age"


def test_a_name_that_no_pipeline_has_needs_a_bundle(overread: Overread, tmp_path: Path) -> None:
    (tmp_path / "scan.nii").write_bytes(b"")
    ended = overread("run", "my_age", tmp_path / "scan.nii", "-o", tmp_path / "out")
    assert ended.code == 1
    assert "there is no pipeline of this name" in ended.err
