from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelines.core.errors import BadInput
from pipelines.evaluate import evaluate_retinopathy, evaluation_json, read_manifest
from pipelines.imaging.subject import subject_from_files
from pipelines.retinopathy import Retinopathy

FIGURES = {
    "accuracy",
    "quadratic_kappa",
    "referable_auc",
    "referable_sensitivity",
    "referable_specificity",
    "ece",
    "referable_ece",
    "abstained",
}


def written(folder: Path, text: str) -> Path:
    path = folder / "manifest.csv"
    path.write_text(text)
    return path


@pytest.fixture
def grade(retinopathy: Retinopathy, retina_photo: Path) -> int:
    """What the model says of the real photograph."""
    with subject_from_files([retina_photo], retinopathy.decoder) as local:
        (inferred,) = retinopathy.grade(local.subject)
    return inferred.graded.grade


def test_every_readable_row_is_scored_and_the_others_are_named(
    retinopathy: Retinopathy, retina_photo: Path, black_photo: Path, grade: int
) -> None:
    rows = f"path,grade\n{retina_photo},{grade}\n{black_photo.name},4\nnowhere.jpg,0\n"
    evaluation = evaluate_retinopathy(written(black_photo.parent, rows), retinopathy)
    said = evaluation_json(evaluation)
    assert said["n"] == 3
    assert set(said) >= FIGURES
    assert [(failed.path, failed.code) for failed in evaluation.failed] == [("nowhere.jpg", "file_not_found")]
    assert evaluation.figures["abstained"].value >= 1 / 3 - 1e-9  # the black one
    assert sum(map(sum, evaluation.confusion)) == 3
    assert evaluation.confusion[0][4] == 1  # the failed row, as far from the truth as can be
    assert evaluation.confusion[grade][grade] >= 1


def test_figures_come_with_their_interval_and_come_out_alike(
    retinopathy: Retinopathy, retina_photo: Path, tmp_path: Path, grade: int
) -> None:
    manifest = written(tmp_path, f"path,grade\n{retina_photo},{grade}\n{retina_photo},{(grade + 2) % 5}\n")
    first, second = (evaluation_json(evaluate_retinopathy(manifest, retinopathy)) for _ in range(2))
    assert first == second
    accuracy = first["accuracy"]
    assert isinstance(accuracy, Mapping)
    assert (accuracy["value"], accuracy["low"], accuracy["high"]) == (0.5, 0.0, 1.0)


def test_a_figure_that_the_rows_do_not_allow_is_null(
    retinopathy: Retinopathy, retina_photo: Path, tmp_path: Path
) -> None:
    said = evaluation_json(evaluate_retinopathy(written(tmp_path, f"path,grade\n{retina_photo},0\n"), retinopathy))
    assert said["referable_auc"] == {"value": None, "low": None, "high": None}


def test_progress_is_told(retinopathy: Retinopathy, retina_photo: Path, tmp_path: Path) -> None:
    heard: list[float] = []
    manifest = written(tmp_path, f"path,grade\n{retina_photo},0\n{retina_photo},0\n")
    evaluate_retinopathy(manifest, retinopathy, lambda _, fraction: heard.append(fraction))
    assert heard == [0.0, 0.5, 1.0]


def test_relative_paths_are_relative_to_the_manifest(tmp_path: Path) -> None:
    (row,) = read_manifest(written(tmp_path, "\ufeffgrade,eye,path\n3,R,folder/a.jpg\n"))
    assert (row.path, row.grade) == (tmp_path / "folder" / "a.jpg", 3)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no column"),
        ("image,grade\na.jpg,1\n", "no column path"),
        ("path,label\na.jpg,1\n", "no column grade"),
        ("path,grade\n", "no rows"),
        ("path,grade\na.jpg,5\n", "line: 2"),
        ("path,grade\na.jpg,1\nb.jpg,two\n", "line: 3"),
        ("path,grade\na.jpg\n", "line: 2"),
        ("path,grade\n,1\n", "without a path"),
    ],
)
def test_a_bad_manifest_gives_one_clear_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as refused:
        read_manifest(written(tmp_path, text))
    assert refused.value.code == "bad_manifest"


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path, retina_photo: Path) -> None:
    for manifest in (retina_photo, tmp_path / "missing.csv", tmp_path):
        with pytest.raises(BadInput) as refused:
            read_manifest(manifest)
        assert refused.value.code == "bad_manifest"
