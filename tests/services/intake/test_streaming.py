"""Bodies are streamed: memory does not grow with them, and nobody else waits for one."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from pipelines.core.errors import BadInput
from services.intake import stream
from services.intake.multipart import MultipartBody
from services.settings import MEBIBYTE, Settings
from services.store.blobs import Blobs, Published
from services.work.spool import Spool, SpooledFile
from tests.services.intake.conftest import BOUNDARY, Sender, dicom, multipart, statuses

PATIENCE = 60.0


class Hearing:
    """Hears a body and remembers its files."""

    def __init__(self) -> None:
        self.files: list[SpooledFile] = []

    def file(self, spooled: SpooledFile) -> None:
        self.files.append(spooled)

    def refused(self, name: str, size: int, error: BadInput) -> None:
        raise error

    def field(self, name: str, value: str) -> None:
        raise AssertionError("the body has no fields")


def test_a_large_file_is_never_held_whole(settings: Settings) -> None:
    hearing, size = Hearing(), 64 * MEBIBYTE
    head, tail = multipart(("a", b"|")).split(b"|")
    block = bytes(MEBIBYTE)
    tracemalloc.start()
    try:
        with Spool(settings) as spool:
            body = MultipartBody(BOUNDARY.encode(), spool, hearing, settings.max_file_bytes)
            body.feed(head)
            for _ in range(size // len(block)):
                body.feed(block)
            body.feed(tail)
            body.end()
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [file.bytes for file in hearing.files] == [size]
    assert peak < 8 * MEBIBYTE


@pytest.mark.parametrize("step", [1, 7, 64, 1 << 20])
def test_a_body_may_be_cut_anywhere(settings: Settings, step: int) -> None:
    contents = [b"", b"\r\n--tests-boundar", b"\r\n--", bytes(range(256)) * 3, f"--{BOUNDARY}".encode()]
    sent = multipart(*[(str(number), content) for number, content in enumerate(contents)])
    hearing = Hearing()
    with Spool(settings) as spool:
        body = MultipartBody(BOUNDARY.encode(), spool, hearing, settings.max_file_bytes)
        for start in range(0, len(sent), step):
            body.feed(sent[start : start + step])
        body.end()
        assert [file.path.read_bytes() for file in hearing.files] == contents


@pytest.mark.parametrize("pause", [0.05, 0.6])
def test_a_sender_that_drips_or_is_silent_gives_its_place_back(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    monkeypatch.setattr(stream, "STALL_SECONDS", 0.15)
    monkeypatch.setattr(stream, "DRAIN_SECONDS", 0.1)
    whole = multipart(("a", dicom()))

    def dripping() -> Iterator[bytes]:
        yield whole
        for _ in range(int(10 * stream.STALL_SECONDS / pause)):
            time.sleep(pause)
            yield b" "

    answer = sender.post(dripping(), f"multipart/form-data; boundary={BOUNDARY}")
    assert (answer.status_code, answer.json()["code"], statuses(answer)) == (408, "request_stalled", ["stored"])


def test_a_sender_that_is_slow_but_flows_is_heard_to_the_end(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each piece takes its time by a clock of its own, so that a busy machine makes none of them late.
    moments = count(step=0.7 * stream.STALL_SECONDS)
    monkeypatch.setattr(stream.anyio, "current_time", lambda: next(moments))
    monkeypatch.setattr(stream, "LEAST_BYTES", 1)
    whole = multipart(("a", dicom()), ("b", bytes(400 * 1024)))

    def flowing() -> Iterator[bytes]:
        for start in range(0, len(whole), 16 * 1024):
            yield whole[start : start + 16 * 1024]

    answer = sender.post(flowing(), f"multipart/form-data; boundary={BOUNDARY}")
    assert (answer.status_code, statuses(answer)) == (202, ["stored", "rejected"])
    assert next(moments) > 3 * stream.STALL_SECONDS


def test_others_are_answered_while_a_slow_disk_holds_an_upload(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = threading.Event(), threading.Event()
    publish_many = Blobs.publish_many

    def slow(self: Blobs, files: Sequence[tuple[Path, str, str]]) -> list[Published]:
        reached.set()
        assert go_on.wait(PATIENCE)
        return publish_many(self, files)

    monkeypatch.setattr(Blobs, "publish_many", slow)
    with ThreadPoolExecutor(1) as thread:
        upload = thread.submit(sender.send, ("a", dicom()))
        assert reached.wait(PATIENCE)
        assert sender.client.get("/healthz", timeout=PATIENCE).status_code == 200
        go_on.set()
        assert statuses(upload.result()) == ["stored"]
