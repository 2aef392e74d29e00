"""Results as the contract has them, and their artifacts' bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from pipelines.core.labels import LABELS
from pipelines.core.types import Artifact
from services.api.result_examples import RESULT_EXAMPLES
from services.api.views import ResultView
from services.store.clock import utcnow
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import ArtifactRow, AuditRow, Blob
from tests.services.api.conftest import Read, Reader, Web
from tests.services.conftest import reading

BYTES = bytes(range(256)) * 4
CONTRACT = {
    "id", "study_id", "pipeline", "role", "current", "model", "findings", "images", "quality", "abstained",
    "abstain_reason", "urgency", "explanation", "artifacts", "seconds", "receipt",
}  # fmt: skip


@pytest.fixture
def read(reader: Reader) -> Read:
    """A result with a PNG, a raw map, and an HTML page that should never run."""
    artifacts = (
        Artifact("L-1-overlay.png", "overlay", "image/png", BYTES),
        Artifact("L-1-map.npy", "map", "application/octet-stream", BYTES),
        Artifact("päge.html", "page", "text/html", b"<script>alert(1)</script>"),
    )
    return reader.read(answer=reading(artifacts=artifacts))


def test_a_result_is_the_contracts_json(web: Web, read: Read) -> None:
    result = web.client(Role.CLINICIAN).get(f"/api/v1/results/{read.result_id}").json()
    assert result.keys() >= CONTRACT
    assert (result["id"], result["study_id"], result["role"], result["current"]) == (
        read.result_id,
        read.study_id,
        "live",
        True,
    )
    assert result["model"] == {"name": "fundus_dr_grading", "version": "1.0.0", "sha256": "1" * 64}
    assert result["findings"][0]["value"] == 2 and isinstance(result["findings"][0]["value"], int)
    assert result["findings"][0]["probabilities"] == {"0": 0.1, "2": 0.9}
    named = {artifact["name"]: artifact for artifact in result["artifacts"]}
    assert named["L-1-overlay.png"] == {
        "name": "L-1-overlay.png",
        "kind": "overlay",
        "media_type": "image/png",
        "bytes": len(BYTES),
        "sha256": hashlib.sha256(BYTES).hexdigest(),
    }


def test_an_artifact_comes_with_its_type_and_an_etag(web: Web, read: Read) -> None:
    client, path = web.client(Role.CLINICIAN), f"/api/v1/results/{read.result_id}/artifacts/L-1-overlay.png"
    answer = client.get(path)
    assert (answer.content, answer.headers["content-type"]) == (BYTES, "image/png")
    assert answer.headers["etag"] == f'"{hashlib.sha256(BYTES).hexdigest()}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("inline")
    assert "no-cache" in answer.headers["cache-control"] and "private" in answer.headers["cache-control"]
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_could_run_in_a_page_is_only_ever_downloaded(web: Web, read: Read) -> None:
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/results/{read.result_id}/artifacts/päge.html")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''p%C3%A4ge.html"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def ranges(web: Web, read: Read, asked: Sequence[str], **headers: str) -> list[httpx.Response]:
    """The raw map, asked for with each of these ranges."""
    client, path = web.client(Role.CLINICIAN), f"/api/v1/results/{read.result_id}/artifacts/L-1-map.npy"
    return [client.get(path, headers={"Range": one, **headers}) for one in asked]


SPANS = {
    "bytes=0-0": (0, 1),
    "bytes=10-19": (10, 20),
    "bytes=1000-": (1000, 1024),
    "bytes=-24": (1000, 1024),
    "bytes=1000-99999": (1000, 1024),
    "bytes=-99999": (0, 1024),
}


def test_a_range_of_bytes_is_served(web: Web, read: Read) -> None:
    answers = ranges(web, read, list(SPANS))
    assert {answer.status_code for answer in answers} == {206}
    assert [answer.content for answer in answers] == [BYTES[start:stop] for start, stop in SPANS.values()]
    said = [answer.headers["content-range"] for answer in answers]
    assert said == [f"bytes {start}-{stop - 1}/{len(BYTES)}" for start, stop in SPANS.values()]


def test_a_range_behind_the_end_is_refused(web: Web, read: Read) -> None:
    answers = ranges(web, read, ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(416, "range_not_satisfiable")}


def test_other_ranges_get_the_whole(web: Web, read: Read) -> None:
    strange = ["bytes=0-1,4-5", "lines=1-2", "bytes=-", "bytes=a-b", "bytes=9-3", f"bytes={'9' * 40}-"]
    answers = ranges(web, read, strange)
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, BYTES)}


def test_a_range_of_something_else_gets_the_whole(web: Web, read: Read) -> None:
    (answer,) = ranges(web, read, ["bytes=0-1"], **{"If-Range": '"another"'})
    assert (answer.status_code, answer.content) == (200, BYTES)


def test_the_look_is_in_the_audit_before_the_bytes_are_out(web: Web, read: Read) -> None:
    with web.client(Role.CLINICIAN).stream("GET", f"/api/v1/results/{read.result_id}/artifacts/L-1-map.npy") as answer:
        with unit_of_work(web.store.database, writing=False) as session:
            row = session.scalars(select(AuditRow).where(AuditRow.action == "artifact.opened")).one()
        assert answer.status_code == 200
    assert row.study_id == read.study_id


def test_an_artifact_that_is_not_there_is_not_found(web: Web, read: Read) -> None:
    client = web.client(Role.CLINICIAN)
    names = ("nothing.png", "..%2f..%2fetc%2fpasswd", "%00", "a" * 300)
    answers = [client.get(f"/api/v1/results/{read.result_id}/artifacts/{name}") for name in names]
    assert [answer.json()["code"] for answer in answers] == [
        "not_found",
        "not_found",
        "invalid_request",
        "invalid_request",
    ]


def test_bytes_that_retention_removed_are_said_to_be_gone(web: Web, read: Read) -> None:
    with unit_of_work(web.store.database) as session:
        held = select(ArtifactRow.blob_sha256).where(ArtifactRow.result_id == read.result_id)
        session.execute(update(Blob).where(Blob.sha256.in_(held)).values(removed_at=utcnow()))
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/results/{read.result_id}/artifacts/L-1-map.npy")
    assert (answer.status_code, answer.json()["code"]) == (410, "bytes_removed")


def test_a_blob_lost_from_the_disk_is_a_404_and_no_broken_answer(web: Web, read: Read) -> None:
    web.store.blobs.remove(hashlib.sha256(BYTES).hexdigest())
    answer = web.client(Role.CLINICIAN).get(f"/api/v1/results/{read.result_id}/artifacts/L-1-map.npy")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_unknown_result_is_not_found(web: Web) -> None:
    client = web.client(Role.CLINICIAN)
    answers = [client.get(f"/api/v1/results/{one}") for one in ("01JD8Q3Z5V7Y9XK2M4N6P8R0ST", "x", "%00", "0" * 27)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}


@pytest.mark.parametrize("example", RESULT_EXAMPLES.values(), ids=RESULT_EXAMPLES)
def test_an_example_is_a_result_whose_pictures_are_among_its_files(example: Mapping[str, Any]) -> None:
    shown = ResultView.model_validate(example["value"])
    files = {artifact.name for artifact in shown.artifacts}
    assert shown.model_dump(mode="json") == example["value"]
    assert {name for image in shown.images for name in image.artifacts} <= files


def test_the_volumes_of_the_example_are_values_that_a_reader_could_type() -> None:
    findings = RESULT_EXAMPLES["volumes"]["value"]["findings"]
    assert [one["label"] for one in findings if not LABELS["segmentation"][one["label"]].accepts(one["value"])] == []
