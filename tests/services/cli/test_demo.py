"""The demo's painted eyes and its candidate model say what they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from services.cli.demo_night import CANDIDATE, LEANING, LEANS_TO, candidate
from services.cli.samples import RETINA
from services.cli.samples_lesions import EYES, paint, write_lesions
from services.settings import Settings


def test_an_eye_is_painted_alike_each_time_and_each_eye_otherwise() -> None:
    healthy = np.full((200, 200, 3), 128, np.float32)
    painted = [paint(healthy, eye) for eye in EYES]
    assert np.array_equal(painted[0], paint(healthy, EYES[0]))
    assert not np.array_equal(painted[0], painted[1])


def test_every_painted_eye_is_of_a_patient_of_its_own_and_called_painted(tmp_path: Path) -> None:
    photograph = tmp_path / "left.jpg"
    photograph.write_bytes(RETINA.read_bytes())
    samples = write_lesions(tmp_path, photograph, 6)
    assert [sample.fields["patient_id"] for sample in samples] == ["DEMO-6", "DEMO-7", "DEMO-8"]
    assert all("painted" in sample.title for sample in samples)


def test_the_candidate_leans_and_claims_no_figures_of_its_own(tmp_path: Path) -> None:
    shipped = Settings(data_dir=tmp_path).models_dir / "fundus_dr_grading"
    made = candidate(shipped, tmp_path / "candidate")
    before, after = (json.loads((each / "configs" / "inference.json").read_text()) for each in (shipped, made))
    assert after["class_bias"][LEANS_TO] - before["class_bias"][LEANS_TO] == LEANING
    facts = json.loads((made / "configs" / "metadata.json").read_text())
    assert facts["version"] == CANDIDATE and "eval_metrics" not in facts
    assert "Not for any reading" in (made / "docs" / "README.md").read_text()
