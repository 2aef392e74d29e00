"""Outlines that readers correct: taken where they fit the model's, kept beside it, counted, listed and read back."""

from __future__ import annotations

import gzip
from dataclasses import replace

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select

from pipelines.core import codes
from pipelines.core.types import Artifact, Laterality, Reading
from pipelines.imaging.grid import Grid
from pipelines.imaging.nifti import write_nifti
from pipelines.imaging.segments import LABELS_NAME, Segment, Segments, segments_artifact
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import AuditRow, OutboxEvent
from tests.services.api.conftest import Read, Reader, Web
from tests.services.conftest import reading

SHAPE = (6, 5, 4)
#: 1 x 1 x 2 mm, somewhere in the scanner.
GRID = Grid(SHAPE, np.array([[-1.0, 0, 0, 10], [0, 1, 0, -20], [0, 0, 2, 5], [0, 0, 0, 1]]))
SEGMENTS = Segments(
    tuple(
        Segment(number, f"{side} hippocampus, {part} part", codes.HIPPOCAMPUS, (code,), laterality)
        for number, (side, laterality, part, code) in enumerate(
            (
                ("Left", Laterality.LEFT, "anterior", codes.ANTERIOR),
                ("Left", Laterality.LEFT, "posterior", codes.POSTERIOR),
                ("Right", Laterality.RIGHT, "anterior", codes.ANTERIOR),
            ),
            start=1,
        )
    ),
    GRID,
    "",
    (),
)


def outline(*, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """Labels with 5 voxels of the first structure and 2 of the third."""
    labels = np.zeros(shape, np.uint8)
    labels[:5, 0, 0] = 1
    labels[:2, 1, 1] = 3
    return labels


def outlined() -> Reading:
    """A reading that holds an outline."""
    return reading(
        artifacts=(
            Artifact(LABELS_NAME, "segmentation", "application/x-nifti", write_nifti(outline(), GRID)),
            segments_artifact(SEGMENTS),
        )
    )


@pytest.fixture
def read(reader: Reader) -> Read:
    """A study with an outline."""
    return reader.read(answer=outlined())


def send(
    client: httpx.Client, read: Read, content: bytes, base: str | None = None, media_type: str = "application/gzip"
) -> httpx.Response:
    """Send an outline of a result."""
    address = f"/api/v1/results/{read.result_id}/masks" + (f"?base_mask_id={base}" if base else "")
    return client.post(address, content=content, headers={"Content-Type": media_type})


def test_an_outline_is_kept_counted_listed_and_read_back(web: Web, read: Read) -> None:
    carol, drawn = web.client(Role.CLINICIAN, "carol"), write_nifti(outline(), GRID)
    answer = send(carol, read, drawn)
    assert answer.status_code == 201, answer.text
    saved = answer.json()
    assert (saved["number"], saved["user"]["name"], saved["base_mask_id"]) == (1, "carol", None)
    assert saved["volumes"] == [
        {"label": "anterior", "laterality": "L", "value": 0.01, "voxels": 5},
        {"label": "posterior", "laterality": "L", "value": 0.0, "voxels": 0},
        {"label": "anterior", "laterality": "R", "value": 0.004, "voxels": 2},
    ]
    assert carol.get(f"/api/v1/results/{read.result_id}/masks").json()["items"] == [saved]
    content = carol.get(f"/api/v1/masks/{saved['id']}/content")
    assert (content.content, content.headers["Content-Type"]) == (drawn, "application/gzip")


def test_the_models_outline_stays_as_it_was(web: Web, read: Read) -> None:
    carol = web.client(Role.CLINICIAN)
    before = carol.get(f"/api/v1/results/{read.result_id}").json()
    erased = np.zeros(SHAPE, np.uint8)
    assert send(carol, read, write_nifti(erased, GRID)).status_code == 201
    assert carol.get(f"/api/v1/results/{read.result_id}").json() == before


def test_an_outline_leaves_a_row_in_the_audit_and_tells_who_watches(web: Web, read: Read) -> None:
    saved = send(web.client(Role.CLINICIAN), read, write_nifti(outline(), GRID)).json()
    with unit_of_work(web.store.database, writing=False) as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "mask.saved")).one()
        event = session.scalars(select(OutboxEvent).where(OutboxEvent.topic == "review")).one()
    assert (row.study_id, row.subjects["mask"]) == (read.study_id, saved["id"])
    assert event.payload == {"result": read.result_id, "mask": saved["id"]}


def test_an_outline_on_an_old_one_is_refused_and_nothing_is_kept(web: Web, read: Read) -> None:
    carol, drawn = web.client(Role.CLINICIAN), write_nifti(outline(), GRID)
    first = send(carol, read, drawn).json()["id"]
    refused = send(carol, read, drawn)
    assert (refused.status_code, refused.json()["code"]) == (409, "review_conflict")
    second = send(carol, read, drawn, base=first)
    assert (second.status_code, second.json()["number"], second.json()["base_mask_id"]) == (201, 2, first)
    assert len(carol.get(f"/api/v1/results/{read.result_id}/masks").json()["items"]) == 2


def _moved() -> bytes:
    elsewhere = GRID.affine.copy()
    elsewhere[0, 3] += 0.5
    return write_nifti(outline(), Grid(SHAPE, elsewhere))


def _larger() -> bytes:
    return write_nifti(outline(shape=(7, 5, 4)), Grid((7, 5, 4), GRID.affine))


def _foreign_label() -> bytes:
    return write_nifti(outline() * 4, GRID)


def _fractions() -> bytes:
    return write_nifti(outline().astype(np.float32) * 0.5, GRID)


def _cut_short() -> bytes:
    whole = gzip.decompress(write_nifti(outline(), GRID))
    return gzip.compress(whole[:-20])


def test_an_outline_that_does_not_fit_is_refused_and_not_kept(web: Web, read: Read) -> None:
    carol = web.client(Role.CLINICIAN)
    sent = {
        "elsewhere": _moved(),
        "another size": _larger(),
        "foreign label": _foreign_label(),
        "fractions": _fractions(),
        "cut short": _cut_short(),
        "no volume": b"no volume at all",
        "nothing": b"",
    }
    answers = {name: send(carol, read, content) for name, content in sent.items()}
    assert {answer.status_code for answer in answers.values()} == {422}
    assert {name: answer.json()["code"] for name, answer in answers.items()} == {
        "elsewhere": "mask_grid",
        "another size": "mask_grid",
        "foreign label": "mask_labels",
        "fractions": "mask_labels",
        "cut short": "truncated_pixels",
        "no volume": "broken_nifti",
        "nothing": "broken_nifti",
    }
    assert carol.get(f"/api/v1/results/{read.result_id}/masks").json()["items"] == []


def test_other_bodies_and_other_people_are_refused(web: Web, read: Read) -> None:
    drawn = write_nifti(outline(), GRID)
    assert send(web.client(Role.CLINICIAN), read, drawn, media_type="application/json").status_code == 415
    assert send(web.client(Role.TECHNICIAN), read, drawn).status_code == 403
    assert send(web._client({}), read, drawn).status_code == 401


def test_a_result_without_an_outline_takes_none(web: Web, reader: Reader) -> None:
    answer = send(web.client(Role.CLINICIAN), reader.read(), write_nifti(outline(), GRID))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_outline")


def test_the_same_request_twice_saves_one_outline(web: Web, read: Read) -> None:
    carol, drawn = web.client(Role.CLINICIAN), write_nifti(outline(), GRID)
    carol.headers["Idempotency-Key"] = "once"
    first, again = send(carol, read, drawn), send(carol, read, drawn)
    assert first.json() == again.json()
    other = send(carol, replace(read), write_nifti(np.zeros(SHAPE, np.uint8), GRID))
    assert other.json()["code"] == "idempotency_mismatch"
