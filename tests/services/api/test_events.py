"""Server-sent events: in order, resumable, and only for those who may listen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx

from services.store import outbox
from services.store.states import Role
from tests.services.api.conftest import Reader, Web


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The events of a stream, as a browser would see them."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line and "data" in fields:
            yield {"id": int(fields["id"]), "topic": fields["event"], "data": json.loads(fields["data"])}
        if not line:
            fields = {}
        else:
            name, _, value = line.partition(": ")
            fields[name] = value


def listen(client: httpx.Client, after: int, count: int) -> list[dict[str, Any]]:
    """So many events after a number."""
    with client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": str(after)}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return list(islice(events(answer), count))


def test_changes_come_in_order_with_their_numbers(web: Web, reader: Reader) -> None:
    read = reader.read()
    outbox.number_rows(web.store)
    heard = listen(web.client(Role.TECHNICIAN), 0, 4)
    assert [event["id"] for event in heard] == [1, 2, 3, 4]
    assert [event["topic"] for event in heard] == ["job", "job", "job", "result"]
    assert {event["data"]["study"] for event in heard} == {read.study_id}
    assert heard[-1]["data"]["result"] == read.result_id


def test_a_listener_goes_on_where_he_was(web: Web, reader: Reader) -> None:
    reader.read()
    outbox.number_rows(web.store)
    client = web.client(Role.TECHNICIAN)
    assert listen(client, 2, 2) == listen(client, 0, 4)[2:]


def test_what_happens_while_one_listens_is_heard(web: Web, reader: Reader) -> None:
    client = web.client(Role.TECHNICIAN)
    with client.stream("GET", "/api/v1/events") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"  # the stream stands
        read = reader.read()
        outbox.number_rows(web.store)
        heard = "\n".join(islice(lines, 12))
    assert read.study_id in heard and "event: job" in heard


def test_a_stranger_hears_nothing(web: Web) -> None:
    assert web.client().get("/api/v1/events").status_code == 401


def test_a_number_that_is_none_is_refused(web: Web) -> None:
    client = web.client(Role.TECHNICIAN)
    answers = [client.get("/api/v1/events", headers={"Last-Event-ID": one}) for one in ("x", "-1", "9" * 30)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_request")}
