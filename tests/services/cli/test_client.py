"""The sender's side of REST: what the service answers becomes a document or the service's own error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pipelines.core.errors import BadInput, BadRequest, NotAuthenticated, OverreadError, StorageFull, Unavailable
from services.cli.client import Service, connected

PROBLEM = {"content-type": "application/problem+json"}
Answers = Callable[[httpx.Request], httpx.Response]


def service(answers: Answers) -> Service:
    return Service("http://service", httpx.Client(base_url="http://service", transport=httpx.MockTransport(answers)))


def test_a_service_that_says_later_is_asked_again() -> None:
    said = iter([httpx.Response(503, headers={"retry-after": "0"}), httpx.Response(200, json={"id": "S1"})])
    assert service(lambda _: next(said)).get("/api/v1/studies/S1") == {"id": "S1"}


def test_a_problem_becomes_the_error_it_states() -> None:
    problem = {"detail": "the API key is revoked", "code": "wrong_key", "status": 401}
    with pytest.raises(NotAuthenticated, match="revoked") as raised:
        service(lambda _: httpx.Response(401, json=problem, headers=PROBLEM)).get("/api/v1/me")
    assert raised.value.code == "wrong_key"


def test_an_address_that_is_none_is_not_a_broken_connection() -> None:
    with connected("elsewhere", "key") as nowhere, pytest.raises(BadRequest, match="http://HOST:PORT") as raised:
        nowhere.get("/api/v1/me")
    assert raised.value.code == "bad_url"


def test_a_full_disk_ends_the_sending(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"x")
    problem = {"detail": "the disk is nearly full", "code": "storage_full", "received": [{"name": "a.dcm"}]}
    with pytest.raises(StorageFull):
        service(lambda _: httpx.Response(507, json=problem, headers=PROBLEM)).send([tmp_path / "a.dcm"], {})


def test_an_answer_that_refuses_every_file_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    refused = {"name": "a.txt", "status": "rejected", "code": "not_dicom", "detail": "no"}
    problem = {"detail": "none", "code": "nothing_kept", "received": [refused], "studies": []}
    answer = service(lambda _: httpx.Response(422, json=problem, headers=PROBLEM)).send([tmp_path / "a.txt"], {})
    assert answer["received"] == [refused]


def test_a_wrong_parameter_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"x")
    problem = {"detail": "there is no pipeline of this name", "code": "unknown_pipeline"}
    with pytest.raises(BadInput, match="no pipeline"):
        service(lambda _: httpx.Response(422, json=problem, headers=PROBLEM)).send([tmp_path / "a.dcm"], {})


def test_who_the_patient_is_does_not_stand_in_the_address(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"x")
    seen: list[httpx.Request] = []

    def answers(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return httpx.Response(202, json={"received": [], "studies": []})

    service(answers).send([tmp_path / "a.dcm"], {"patient_id": "P-1002"})
    assert "P-1002" not in str(seen[0].url)
    assert b"P-1002" in seen[0].content


def test_something_else_at_the_address_is_said_to_be_something_else() -> None:
    with pytest.raises(OverreadError, match="not as Overread does"):
        service(lambda _: httpx.Response(200, text="<h1>It works!</h1>")).get("/api/v1/me")


def test_a_broken_connection_is_one_sentence() -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset", request=request)

    with pytest.raises(Unavailable, match="goes on from here"):
        service(answers).get("/api/v1/me")


def test_without_a_key_nothing_is_sent() -> None:
    with pytest.raises(NotAuthenticated, match="OVERREAD_API_KEY"), connected("http://service", ""):
        pass
