"""Requests that are wrong as a whole: each has its own code, a row in rejections, and harms nothing."""

from __future__ import annotations

import shutil
import socket
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipelines.core.errors import StorageFull
from pipelines.imaging.decoder import Decoder
from services.intake import stream
from services.settings import MEBIBYTE
from services.work import spool, submission, whole
from services.work.outcomes import FileOutcome
from services.work.receive import keep
from tests.services.intake.conftest import (
    BOUNDARY,
    Sender,
    ServesWith,
    codes,
    dicom,
    multipart,
    picture,
    statuses,
)

MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "image/jpeg", "multipart/related", ""])
def test_a_content_type_that_is_not_taken_is_415(sender: Sender, content_type: str) -> None:
    answer = sender.post(dicom(), content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.json()["received"] == []
    assert [row.code for row in sender.rejections()] == ["unsupported_media_type"]


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("multipart/form-data", multipart(("a", b"x")), "bad_multipart"),
        ("multipart/form-data; boundary=", multipart(("a", b"x")), "bad_multipart"),
        (f"multipart/form-data; boundary={'x' * 300}", multipart(("a", b"x")), "bad_multipart"),
        ("multipart/form-data; boundary=another", multipart(("a", b"x")), "bad_multipart"),
        (MULTIPART, b"no multipart at all", "bad_multipart"),
        (MULTIPART, b"", "truncated_body"),
        (MULTIPART, multipart(("a", b"x"), closed=False), "truncated_body"),
        (MULTIPART, multipart(("a", dicom()))[:-40], "truncated_body"),
        (MULTIPART, f"--{BOUNDARY}--\r\n".encode(), "no_files"),
        (MULTIPART, f"--{BOUNDARY}\r\nbad header\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(), "bad_multipart"),
    ],
)
def test_a_body_that_is_not_the_multipart_it_promises_is_refused(
    sender: Sender, content_type: str, body: bytes, code: str
) -> None:
    answer = sender.post(body, content_type)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert list(sender.instances()) == []
    assert {row.code for row in sender.rejections()} <= {code}


def test_files_before_the_place_where_a_body_breaks_are_kept(sender: Sender) -> None:
    answer = sender.post(multipart(("a", dicom()), ("b", dicom()))[:-60], MULTIPART, complete="yes")
    assert answer.status_code == 202
    assert (statuses(answer), codes(answer)) == (["stored", "rejected"], [None, "truncated_body"])
    assert [study["state"] for study in answer.json()["studies"]] == ["receiving"]


def test_a_sender_that_goes_away_leaves_its_whole_files_and_an_empty_spool(sender: Sender) -> None:
    body = multipart(("a", dicom()), ("b", bytes(2 * MEBIBYTE)))
    url = httpx.URL(sender.client.base_url)
    head = (
        f"POST /api/v1/studies HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: {MULTIPART}\r\n"
        f"Authorization: {sender.client.headers['authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 0)) as connection:
        connection.sendall(head.encode() + body[:-200])
        wait_until(lambda: len(list(sender.settings.spool_dir.rglob("*"))) == 3)  # the folder, one file and a part
    wait_until(lambda: len(sender.instances()) == 1 and not list(sender.settings.spool_dir.iterdir()))


def wait_until(reached: Callable[[], bool]) -> None:
    for _ in range(200):
        if reached():
            return
        threading.Event().wait(0.05)
    assert reached()


def test_an_unknown_pipeline_is_refused_in_the_query_and_in_a_field(sender: Sender) -> None:
    query = sender.send(("a", dicom()), pipeline="nope")
    assert (query.status_code, query.json()["code"]) == (422, "unknown_pipeline")
    field = sender.send(("a", dicom()), fields={"pipeline": "nope"})
    assert (field.status_code, field.json()["code"]) == (422, "unknown_pipeline")


def test_a_patient_id_that_is_no_utf_8_is_refused_since_two_of_them_would_be_one_patient(sender: Sender) -> None:
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="patient_id"\r\n\r\n'.encode() + b"M\xfcller\r\n"
    answer = sender.post(field + multipart(("right.png", picture())), MULTIPART)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    query = sender.client.post("/api/v1/studies?patient_id=M%FCller", files={"files": ("right.png", picture())})
    assert (query.status_code, query.json()["code"]) == (422, "invalid_request")
    assert list(sender.instances()) == []


@contextmanager
def transactions() -> Iterator[list[Connection]]:
    """A line for each that begins."""
    begun: list[Connection] = []
    note = begun.append
    event.listen(Engine, "begin", note)
    try:
        yield begun
    finally:
        event.remove(Engine, "begin", note)


def test_scraps_beside_the_images_are_noted_by_the_group_and_not_one_by_one(sender: Sender) -> None:
    scraps = [(f"scrap {number}", b"") for number in range(3 * submission.GROUP_FILES + 1)]
    with transactions() as begun:
        answer = sender.send(*scraps, ("a", dicom()), complete="no")
    assert (answer.status_code, codes(answer)[-1]) == (202, None)
    assert set(codes(answer)[:-1]) == {"empty_file"}
    assert len(sender.rejections()) == len(scraps)
    assert len(begun) < len(scraps) / 4


def test_a_field_without_end_is_refused(sender: Sender) -> None:
    answer = sender.send(("a", dicom()), fields={"patient_id": "x" * 10_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "field_too_large")


def test_a_body_stated_past_the_limit_is_413_before_it_is_read(serve_with: ServesWith) -> None:
    sender = serve_with(max_body_bytes=10_000)
    answer = sender.send(("a", dicom()), ("b", bytes(20_000)))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["received"] == []
    assert [row.code for row in sender.rejections()] == ["body_too_large"]


def test_a_body_that_grows_past_the_limit_is_413_and_says_what_was_kept(serve_with: ServesWith) -> None:
    sender = serve_with(max_body_bytes=10_000)
    body = multipart(("a", dicom()), ("b_OD.png", picture()), ("c", bytes(20_000)))
    answer = sender.post(in_pieces(body), MULTIPART)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert statuses(answer) == ["stored", "stored"]
    assert [study["state"] for study in answer.json()["studies"]] == ["receiving", "receiving"]
    assert len(sender.instances()) == 2


def in_pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


def test_a_file_past_the_limit_for_one_file_is_refused_by_itself(serve_with: ServesWith) -> None:
    sender = serve_with(max_file_bytes=5_000)
    answer = sender.send(("a", bytes(6_000)), ("b", dicom()))
    assert (answer.status_code, codes(answer)) == (202, ["file_too_large", None])
    raw = sender.post(bytes(6_000), "application/dicom")
    assert (raw.status_code, raw.json()["code"]) == (413, "file_too_large")


def test_a_nearly_full_disk_is_507_before_anything_is_written(serve_with: ServesWith) -> None:
    sender = serve_with(disk_reserve_bytes=1 << 62)
    answer = sender.send(("a", dicom()))
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert answer.json()["received"] == []
    assert [row.code for row in sender.rejections()] == ["storage_full"]


def test_a_disk_that_fills_during_the_upload_is_507_and_says_what_was_kept(
    serve_with: ServesWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = serve_with(disk_reserve_bytes=MEBIBYTE)
    usage = namedtuple("usage", "total free")
    room = iter([usage(1 << 40, 1 << 40)])
    monkeypatch.setattr(spool, "ROOM_CHECK_BYTES", MEBIBYTE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: next(room, usage(1 << 40, 0)))
    answer = sender.post(in_pieces(multipart(("a", dicom()), ("b", bytes(2 * MEBIBYTE)))), MULTIPART)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert statuses(answer) == ["stored"]
    assert len(sender.instances()) == 1


def test_a_full_quota_is_507_says_what_was_kept_and_raises_an_alarm(serve_with: ServesWith) -> None:
    sender = serve_with(blob_quota_bytes=20_000)
    first, large = dicom(), dicom(Rows=90, Columns=90)
    assert sender.send(("a", first)).status_code == 202
    answer = sender.send(("a", first), ("b", large))
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert len(sender.instances()) == 1
    assert [one["code"] for one in sender.client.get("/api/v1/alarms").json()["items"]] == ["storage_full"]


def test_a_photograph_that_its_disk_has_no_room_for_is_not_called_broken(
    sender: Sender, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageFull

    monkeypatch.setattr(decoder, "wrap_photograph", full)
    answer = sender.send(("right.png", picture()), patient_id="P-1")
    assert (answer.status_code, answer.json()["code"], statuses(answer)) == (507, "storage_full", ["rejected"])
    monkeypatch.undo()
    assert statuses(sender.send(("right.png", picture()), patient_id="P-1")) == ["stored"]


@contextmanager
def database_away() -> Iterator[None]:
    """The database gives nobody a connection."""

    def refuse(_: Connection) -> None:
        raise PoolTimeout

    event.listen(Engine, "begin", refuse)
    try:
        yield
    finally:
        event.remove(Engine, "begin", refuse)


def test_a_database_that_goes_away_during_the_upload_is_503_and_says_what_was_kept(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BLOCK_BYTES", 1)
    monkeypatch.setattr(submission, "GROUP_FILES", 2)
    images = [(name, dicom()) for name in "abcde"]
    whole = multipart(*images, ("right.png", picture()))
    middle = whole.index(images[2][1])
    with ExitStack() as outage:

        def body() -> Iterator[bytes]:
            yield whole[:middle]
            wait_until(lambda: len(sender.instances()) == 2)
            outage.enter_context(database_away())
            yield whole[middle:]

        keyed = {"Content-Type": MULTIPART, "Idempotency-Key": "upload-1"}
        answer = sender.client.post("/api/v1/studies", content=body(), headers=keyed)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert statuses(answer) == ["stored", "stored", "rejected", "rejected", "rejected"]
    assert (answer.json()["studies"], answer.headers["retry-after"]) == ([], "5")
    assert statuses(sender.send(*images)) == ["duplicate", "duplicate", "stored", "stored", "stored"]


def test_a_photograph_that_the_database_was_away_for_is_said_not_to_be_kept(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep_without(*arguments: Any) -> list[FileOutcome]:
        with database_away():
            return keep(*arguments)

    monkeypatch.setattr(whole, "keep", keep_without)
    answer = sender.send(("right.png", picture()), ("a", dicom()), patient_id="P-1")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert statuses(answer) == ["rejected", "stored"]
    assert [study["state"] for study in answer.json()["studies"]] == ["receiving"]


def test_refused_bytes_lie_in_quarantine_and_the_oldest_make_room(serve_with: ServesWith) -> None:
    sender = serve_with(quarantine_max_bytes=250)
    for content in (b"a" * 100, b"b" * 100, b"c" * 100, b"d" * 300):
        sender.send(("a", content))
    kept = [row.quarantined for row in sender.rejections()]
    assert [name is not None for name in kept] == [False, True, True, False]
    folder = sender.settings.quarantine_dir
    assert sorted(path.name for path in folder.iterdir()) == sorted(name for name in kept if name)
    assert (folder / str(kept[1])).read_bytes() == b"b" * 100


def test_what_is_written_down_about_a_refusal_names_neither_file_nor_patient(sender: Sender) -> None:
    sender.send(("Doe^Jane.dcm", dicom(PatientName="Doe^Jane", PatientID="P-SECRET")[:700]))
    sender.send(("Doe^Jane.png", picture()))
    assert len(sender.rejections()) == 2
    assert not [row for row in sender.rejections() if "Doe" in row.sentence or "SECRET" in row.sentence]


def test_refusals_come_without_a_credential_before_the_body(sender: Sender) -> None:
    answer = httpx.post(f"{sender.client.base_url}/api/v1/studies", content=dicom(), verify=False)
    assert answer.status_code == 401
    assert list(sender.instances()) == []
