"""Pictures of a batch's result: not there until somebody looks, and then files as any others."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from pipelines.core.types import ImageReading, Laterality, Quality
from pipelines.exporters.json import reading_json
from pipelines.imaging.photograph import PhotographIdentity
from pipelines.imaging.wrap import wrap
from services.store import results
from services.store.clock import utcnow
from services.store.session import unit_of_work
from services.store.states import JobRole, Priority, Role
from services.store.tables import ArtifactRow, Blob, Instance, JobInput
from tests.services.api.conftest import Web
from tests.services.conftest import Desk, reading

NAMES = ["L-1-heatmap.png", "L-1-map.npy", "L-1-overlay.png"]


@pytest.fixture
def map_bytes() -> bytes:
    """A map with one hot corner."""
    cam = np.zeros((14, 14), np.float32)
    cam[:5, :5] = 1
    raw = io.BytesIO()
    np.save(raw, cam)
    return raw.getvalue()


@pytest.fixture
def result_id(desk: Desk, retina_photo: Path, tmp_path: Path, map_bytes: bytes) -> str:
    """A batch's result over the real photograph, which has a map in its document and no file."""
    job_id = desk.queue(Priority.BATCH, role=JobRole.BATCH)
    wrap(retina_photo, tmp_path / "one.dcm", PhotographIdentity("P", "1.2.3", Laterality.LEFT))
    content = (tmp_path / "one.dcm").read_bytes()
    blob = desk.store.blobs.publish_bytes(content, "application/dicom", scratch=tmp_path / "scratch")
    claim = desk.claim()
    assert claim is not None
    with unit_of_work(desk.store.database) as session:
        desk.store.blobs.record(session, blob)
        taken = select(JobInput.instance_id).where(JobInput.job_id == job_id)
        instance = session.get_one(Instance, session.scalars(taken).one())
        instance.blob_sha256 = blob.sha256
        image = ImageReading(
            instance.sop_instance_uid, Laterality.LEFT, Quality(True, 0.9), False, None, None, tuple(NAMES)
        )
        said = replace(reading(artifacts=()), images=(image,))
        document = reading_json(said) | {"maps": {"L-1-map.npy": base64.b64encode(map_bytes).decode()}}
        return results.save_result(session, desk.store.blobs, claim, said, document, [])


def files(desk: Desk) -> list[ArtifactRow]:
    """The stored files of results."""
    with unit_of_work(desk.store.database, writing=False) as session:
        return list(session.scalars(select(ArtifactRow).order_by(ArtifactRow.name)))


def test_the_first_look_draws_the_pictures_and_they_stay(
    web: Web, desk: Desk, result_id: str, map_bytes: bytes
) -> None:
    client = web.client(Role.CLINICIAN)
    assert files(desk) == []
    first = client.get(f"/api/v1/results/{result_id}").json()
    kept = files(desk)
    again = client.get(f"/api/v1/results/{result_id}").json()
    assert [artifact["name"] for artifact in first["artifacts"]] == NAMES
    assert "maps" not in first
    assert [row.id for row in files(desk)] == [row.id for row in kept]
    assert again["artifacts"] == first["artifacts"]
    for artifact in first["artifacts"]:
        content = client.get(f"/api/v1/results/{result_id}/artifacts/{artifact['name']}").content
        assert (len(content), hashlib.sha256(content).hexdigest()) == (artifact["bytes"], artifact["sha256"])
        if artifact["kind"] == "overlay":
            with Image.open(io.BytesIO(content)) as overlay:
                assert (overlay.mode, max(overlay.size)) == ("RGB", 706)
        if artifact["kind"] == "map":
            assert content == map_bytes


def test_a_picture_can_be_asked_for_without_its_result(web: Web, result_id: str) -> None:
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/results/{result_id}/artifacts/L-1-overlay.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")


def test_nobody_without_a_key_has_anything_drawn(web: Web, desk: Desk, result_id: str) -> None:
    assert web.client().get(f"/api/v1/results/{result_id}").status_code == 401
    assert files(desk) == []


def test_a_photograph_that_retention_removed_leaves_the_map(web: Web, desk: Desk, result_id: str) -> None:
    with unit_of_work(desk.store.database) as session:
        for blob in session.scalars(select(Blob).where(Blob.media_type == "application/dicom")):
            blob.removed_at = utcnow()
    shown = web.client(Role.CLINICIAN).get(f"/api/v1/results/{result_id}").json()
    assert [artifact["name"] for artifact in shown["artifacts"]] == ["L-1-map.npy"]
