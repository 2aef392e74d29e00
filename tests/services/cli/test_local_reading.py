"""`overread run` and `overread evaluate`: the pipeline on local files, without any service."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Overread = Callable[..., Any]  # Any: conftest's Ended, which a test file cannot import

#: docs/api.md, `GET /results/{id}`.
KEYS = {
    "id", "study_id", "pipeline", "role", "current", "model", "findings", "images", "quality", "abstained",
    "abstain_reason", "urgency", "explanation", "artifacts", "seconds", "receipt",
}  # fmt: skip
FIGURES = {
    "accuracy", "quadratic_kappa", "referable_auc", "referable_sensitivity", "referable_specificity", "ece",
    "referable_ece", "abstained",
}  # fmt: skip


@pytest.fixture
def left_eye(retina_photo: Path, tmp_path: Path) -> Path:
    """The real photograph under a name that says which eye it shows."""
    path = tmp_path / "visit" / "left.jpg"
    path.parent.mkdir()
    path.write_bytes(retina_photo.read_bytes())
    return path


def test_a_photograph_is_read_into_a_folder(overread: Overread, left_eye: Path, tmp_path: Path) -> None:
    result = overread("run", "retinopathy", left_eye, "-o", tmp_path / "out", "--json").json
    assert set(result) >= KEYS
    assert {finding["laterality"] for finding in result["findings"]} == {"L", None}
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == result
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert {artifact["name"] for artifact in result["artifacts"]} < made
    assert [name for name in made if name.endswith(".dcm")]


def test_equal_files_give_equal_findings_and_receipts(overread: Overread, left_eye: Path, tmp_path: Path) -> None:
    first = overread("run", "retinopathy", left_eye, "-o", tmp_path / "1", "--json").json
    second = overread("run", "retinopathy", left_eye, "-o", tmp_path / "2", "--json").json
    assert first["receipt"]["digest"] == second["receipt"]["digest"]
    assert first["findings"] == second["findings"]
    assert first["artifacts"] == second["artifacts"]


def test_what_was_found_is_said_in_words(overread: Overread, left_eye: Path, tmp_path: Path) -> None:
    said = overread("run", "retinopathy", left_eye, "-o", tmp_path / "out").out
    assert said.startswith("left eye: grade ")
    assert "Urgency: " in said


def test_a_picture_without_a_retina_is_a_result_that_abstains(overread: Overread, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (500, 500, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "right.png")
    result = overread("run", "retinopathy", tmp_path / "right.png", "-o", tmp_path / "out", "--json").json
    assert result["abstained"]
    assert not result["quality"]["gradable"]
    assert result["urgency"] == "check"


def test_a_file_that_is_no_image_ends_with_one_sentence(overread: Overread, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague")
    ended = overread("run", "retinopathy", tmp_path / "letter.txt", "-o", tmp_path / "out")
    assert ended.code == 1
    assert ended.err.startswith("overread: ")
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_with_the_result_of_other_images_is_left_alone(
    overread: Overread, left_eye: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (500, 500)).save(tmp_path / "right.png")
    overread("run", "retinopathy", tmp_path / "right.png", "-o", tmp_path / "out")
    before = (tmp_path / "out" / "result.json").read_bytes()
    refused = overread("run", "retinopathy", left_eye, "-o", tmp_path / "out")
    assert (refused.code, "other images" in refused.err) == (1, True)
    assert (tmp_path / "out" / "result.json").read_bytes() == before
    assert overread("run", "retinopathy", tmp_path / "right.png", "-o", tmp_path / "out").code == 0


def test_of_several_files_the_one_that_is_no_image_is_named(overread: Overread, left_eye: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague")
    ended = overread("run", "retinopathy", left_eye, tmp_path / "letter.txt", "-o", tmp_path / "out")
    assert ended.err.endswith("NIfTI nor HDF5 (file 2 of 2)\n")


def test_a_figure_that_the_cases_do_not_define_is_said_to_be_so(
    overread: Overread, left_eye: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "labels.csv"
    manifest.write_text("path,grade\nvisit/left.jpg,0\n")
    said = overread("evaluate", "retinopathy", manifest).out
    assert "on 1 case\n" in said
    assert "nan" not in said
    assert "not defined on these cases" in said


def test_an_unknown_pipeline_is_answered_with_those_there_are(overread: Overread, left_eye: Path) -> None:
    ended = overread("run", "crystal-ball", left_eye, "-o", "nowhere")
    assert ended.code == 1
    assert "retinopathy" in ended.err


def test_figures_come_with_intervals_and_failures_are_listed(
    overread: Overread, left_eye: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "labels.csv"
    manifest.write_text("path,grade\nvisit/left.jpg,0\nvisit/gone.jpg,2\n")
    figures = overread("evaluate", "retinopathy", manifest, "--json").json
    assert set(figures) >= FIGURES | {"n", "failed", "confusion"}
    assert set(figures["accuracy"]) == {"value", "low", "high"}
    assert figures["n"] == 2
    assert [failed["path"] for failed in figures["failed"]] == ["visit/gone.jpg"]
    assert sum(map(sum, figures["confusion"])) == 2
    assert left_eye.exists()


def test_a_manifest_without_grades_is_refused_in_one_sentence(overread: Overread, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path\nleft.jpg\n")
    ended = overread("evaluate", "retinopathy", tmp_path / "labels.csv")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "grade" in ended.err
