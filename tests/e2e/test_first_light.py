"""First light: `overread up` starts the whole system, a photograph goes in by REST, a clinician signs the result."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import skimage.data
from PIL import Image

OVERREAD = [sys.executable, "-m", "services.cli.main"]
ROOT = Path(__file__).resolve().parents[2]
RETINA = Path(skimage.data.__file__).parent / "retina.jpg"
STOP_SECONDS = 60.0
READ_SECONDS = 180.0
POLL_SECONDS = 0.1
ENDED = {"succeeded", "failed", "quarantined", "cancelled"}


@dataclass(frozen=True)
class Up:
    """A running `overread up`: its process, what it announced, and a client with its API key."""

    process: subprocess.Popen[str]
    said: dict[str, Any]  # Any: the JSON line
    client: httpx.Client
    environment: dict[str, str]

    def get(self, path: str) -> Any:  # Any: JSON of the contract
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def read_study(self, study_id: str) -> Any:
        deadline = time.monotonic() + READ_SECONDS
        while time.monotonic() < deadline:
            study = self.get(f"/api/v1/studies/{study_id}")
            if study["jobs"] and all(job["state"] in ENDED for job in study["jobs"]):
                return study
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"not read in {READ_SECONDS} s: {study}")

    def command(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Another `overread` command with the same key and address."""
        given = {"OVERREAD_URL": self.said["url"], "OVERREAD_API_KEY": self.said["api_key"]}
        return subprocess.run(
            [*OVERREAD, *map(str, arguments)],
            cwd=ROOT,
            env={**self.environment, **given},
            capture_output=True,
            text=True,
            timeout=READ_SECONDS,
        )


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OVERREAD_")}
    return {**kept, "HOME": str(home)}


def start(data: Path, home: Path) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    process = subprocess.Popen(
        [*OVERREAD, "up", "--port", "0", "--data", str(data), "--json"],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_SECONDS)
    finally:
        process.kill()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    home = tmp_path_factory.mktemp("home")
    process, said = start(tmp_path_factory.mktemp("data"), home)
    headers = {"Authorization": f"Bearer {said['api_key']}"}
    with httpx.Client(base_url=said["url"], headers=headers, timeout=READ_SECONDS) as client:
        yield Up(process, said, client, environment(home))
    assert stop(process) == 0


@pytest.fixture(scope="module")
def study(up: Up) -> Any:
    """The real photograph, sent as a clinic's program would, and read."""
    answer = up.client.post(
        "/api/v1/studies",
        params={"laterality": "L", "patient_id": "FIRST-LIGHT"},
        files={"files": ("eye.jpg", RETINA.read_bytes(), "image/jpeg")},
    )
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert [file["status"] for file in body["received"]] == ["stored"]
    return up.read_study(body["studies"][0]["id"])


@pytest.fixture(scope="module")
def result(up: Up, study: Any) -> Any:
    """The study's current result."""
    (current,) = (one for one in study["results"] if one["current"])
    return up.get(f"/api/v1/results/{current['id']}")


def artifact(up: Up, result: Any, ending: str) -> bytes:
    (name,) = (one["name"] for one in result["artifacts"] if one["name"].endswith(ending))
    return up.client.get(f"/api/v1/results/{result['id']}/artifacts/{name}").raise_for_status().content


def test_the_announcement_is_one_line_with_all_that_a_program_needs(up: Up) -> None:
    assert set(up.said) == {"url", "api_key", "user", "password", "database", "pids"}
    running = {"api", "worker", "scheduler", "broker"}
    assert set(up.said["pids"]) == running | {"dimse"}
    assert {role for role, processes in up.said["pids"].items() if processes} == running


def test_it_listens_on_this_machine_alone(up: Up) -> None:
    assert up.said["url"].startswith("http://127.0.0.1:")


def test_a_photograph_is_graded(result: Any) -> None:
    grades = {one["laterality"]: one["value"] for one in result["findings"] if one["label"] == "dr_grade"}
    assert set(grades) == {"L", None}
    assert all(grade in range(5) for grade in grades.values())
    assert result["quality"]["gradable"]
    assert result["model"]["name"] == "fundus_dr_grading"


def test_the_probabilities_of_the_grades_are_a_distribution(result: Any) -> None:
    for finding in result["findings"]:
        if finding["label"] == "dr_grade":
            assert sum(finding["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def test_every_step_is_timed_and_the_receipt_names_the_input(result: Any) -> None:
    assert {"load", "preprocess", "infer", "explain", "postprocess"} <= set(result["seconds"])
    assert len(result["receipt"]["inputs"]) == 1
    assert result["receipt"]["digest"]


def test_the_heat_map_and_its_overlay_are_there(up: Up, result: Any) -> None:
    heat = np.load(io.BytesIO(artifact(up, result, ".npy")), allow_pickle=False)
    assert heat.ndim == 2
    assert 0 <= heat.min() <= heat.max() <= 1
    with Image.open(io.BytesIO(artifact(up, result, "overlay.png"))) as overlay:
        assert max(overlay.size) <= 1024


def test_the_photograph_is_shown_at_the_width_asked_for(up: Up, study: Any) -> None:
    instance = study["series"][0]["instances"][0]["id"]
    shown = up.client.get(f"/api/v1/instances/{instance}/rendered", params={"width": 320}).raise_for_status()
    with Image.open(io.BytesIO(shown.content)) as picture:
        assert picture.width == 320


def test_a_clinician_logs_in_and_signs(up: Up, study: Any, result: Any) -> None:
    with httpx.Client(base_url=f"{up.said['url']}/api/v1", timeout=READ_SECONDS) as browser:
        login = {"name": up.said["user"], "password": up.said["password"]}
        session = browser.post("/session", json=login).raise_for_status().json()
        word = {"action": "sign", "verdict": "accept", "findings": [], "base_review_id": None}
        header = {"X-CSRF-Token": session["csrf_token"]}
        signed = browser.post(f"/results/{result['id']}/reviews", json=word, headers=header)
        assert signed.status_code == 201, signed.text
        (review,) = browser.get(f"/results/{result['id']}/reviews").json()["items"]
    assert (review["action"], review["verdict"], review["user"]["name"]) == ("sign", "accept", up.said["user"])
    (row,) = (one for one in up.get("/api/v1/studies")["items"] if one["id"] == study["id"])
    assert row["review_state"] == "signed"


def test_what_happened_is_in_an_intact_audit(up: Up, result: Any) -> None:
    assert result
    data = Path(up.said["database"].removeprefix("sqlite:///")).parent
    assert json.loads(up.command("audit", "verify", "--data", data, "--json").stdout)["intact"]


def test_submit_sends_a_visit_waits_and_says_what_was_found(up: Up, tmp_path: Path) -> None:
    photograph = Image.open(RETINA)
    for name, turned in {"right": photograph.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "left": photograph}.items():
        turned.save(tmp_path / f"{name}.png")
    ended = up.command("submit", tmp_path, "--patient-id", "VISIT", "--wait")
    assert ended.returncode == 0, ended.stderr
    assert "2 stored; studies: 1" in ended.stdout
    assert "right eye: " in ended.stdout
    assert "left eye: " in ended.stdout


def test_submit_says_what_was_refused_and_ends_with_3(up: Up, tmp_path: Path) -> None:
    Image.open(RETINA).rotate(3).save(tmp_path / "left.png")
    (tmp_path / "letter.txt").write_text("Dear colleague")
    ended = up.command("submit", tmp_path)
    assert ended.returncode == 3
    assert "1 rejected, 1 stored" in ended.stdout
    assert "letter.txt: " in ended.stderr


def test_submit_ends_with_1_where_nothing_was_kept(up: Up, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague")
    ended = up.command("submit", tmp_path / "letter.txt", "--json")
    assert ended.returncode == 1
    (refused,) = json.loads(ended.stdout)["refused"]
    assert refused["name"] == "letter.txt"
    assert refused["code"]


def test_status_says_that_every_part_is_well(up: Up) -> None:
    ended = up.command("status", "--json")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["ready"]


def test_a_second_system_on_the_same_data_is_refused(up: Up) -> None:
    data = Path(up.said["database"].removeprefix("sqlite:///")).parent
    ended = up.command("up", "--port", "0", "--data", data)
    assert ended.returncode == 1
    assert "already" in ended.stderr


def test_without_a_service_submit_says_so_in_one_sentence(up: Up) -> None:
    ended = up.command("submit", RETINA, "--laterality", "L", "--url", "http://127.0.0.1:9")
    assert ended.returncode == 1
    assert ended.stderr == "overread: no Overread answers at http://127.0.0.1:9; `overread up` starts one\n"


@pytest.mark.slow
def test_a_second_start_keeps_the_data_makes_no_new_login_and_leaves_no_process(up: Up, study: Any) -> None:
    assert stop(up.process) == 0
    data = Path(up.said["database"].removeprefix("sqlite:///")).parent
    second, again = start(data, Path(up.environment["HOME"]))
    headers = {"Authorization": f"Bearer {up.said['api_key']}"}
    with httpx.Client(base_url=again["url"], headers=headers, timeout=READ_SECONDS) as client:
        assert client.get("/api/v1/me").status_code == 200
        assert client.get(f"/api/v1/studies/{study['id']}").json()["results"] == study["results"]
    assert stop(second) == 0
    assert (again["api_key"], again["password"]) == (None, None)
    pids = [pid for system in (up.said, again) for role in system["pids"].values() for pid in role]
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.timeout(600)  # a machine busy with other things starts and reads at half its speed
@pytest.mark.slow
def test_the_demo_ends_by_itself_with_findings(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*OVERREAD, "demo", "--exit", "--port", "0"],
        cwd=ROOT,
        env={**environment(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=3 * READ_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.index("  password ") < ended.stdout.index("Sent ")
    assert "left eye: grade " in ended.stdout
    assert "not graded, too blurred" in ended.stdout
    assert "not graded, shows no retina" in ended.stdout
    assert "Read again by fundus_dr_grading" in ended.stdout
    assert list(tmp_path.glob("overread-demo-*")) == []
