"""The demo's brain through the real pipelines into a real browser, in minutes; takes pictures for the documentation."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import expect

from services.cli.samples_brain import write_brain
from tests.e2e.conftest import ENDED, Running
from tests.e2e.dashboard.room import Room

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(1800)]

MINUTES = 12
PAUSE_SECONDS = 1.0
#: A whole head is drawn without a graphics processor here.
DRAWN_MS = 120_000


@pytest.fixture(scope="module")
def studies(system: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The ids of the two studies, by what is asked of them first; everything asked has ended."""
    sent = {}
    for sample, asked in zip(
        write_brain(tmp_path_factory.mktemp("brain")), ("segmentation", "reconstruction"), strict=True
    ):
        files = [("files", (path.name, path.read_bytes())) for path in sample.paths]
        answer = system.client.post("/studies", params=dict(sample.fields), files=files, timeout=120)
        assert answer.status_code == 202, answer.text
        sent[asked] = answer.json()["studies"][0]["id"]
    for asked, study_id in sent.items():
        assert ended(system, study_id)[asked]["state"] == "succeeded"
    return sent


def ended(system: Running, study_id: str) -> Mapping[str, Mapping[str, Any]]:
    """The study's jobs by pipeline, once all have ended (Any: JSON)."""
    deadline = time.monotonic() + MINUTES * 60
    jobs: dict[str, Mapping[str, Any]] = {}
    while time.monotonic() < deadline:
        jobs = {job["pipeline"]: job for job in system.client.get(f"/studies/{study_id}").json()["jobs"]}
        if jobs and all(job["state"] in ENDED for job in jobs.values()):
            return jobs
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"the study was not read in {MINUTES} minutes: {jobs}")


def test_volumes_of_a_real_brain_are_shown(room: Room, studies: dict[str, str]) -> None:
    room.go(f"/studies/{studies['segmentation']}")
    expect(room.page.get_by_role("table", name="Volumes by side")).to_contain_text("Hippocampus")
    shown = room.page.get_by_role("region", name="Volume with the model's outlines")
    expect(shown).to_have_attribute("data-drawn", "true", timeout=DRAWN_MS)
    room.keep("volumes")


def test_a_real_reconstruction_is_shown_with_what_was_inferred(room: Room, studies: dict[str, str]) -> None:
    room.go(f"/studies/{studies['reconstruction']}")
    said = room.page.get_by_role("region", name="The machine's reading")
    expect(said).to_contain_text("Inferred, not measured")
    for name in ("Zero-filled", "Reconstruction"):
        expect(room.page.get_by_role("img", name=name, exact=True)).to_be_visible()
    room.keep("reconstruction")
    room.press("s")
    panel = room.page.get_by_role("img", name=re.compile("^Zero-filled image"))
    expect(panel).not_to_have_js_property("naturalWidth", 0)
