"""What of a batch could not be read, over HTTP: with its reason, page by page, and gone once it was read again."""

from __future__ import annotations

from pipelines.core.errors import CorruptPixels
from services.store import attempts
from services.store.session import unit_of_work
from services.store.states import Role
from tests.services.api.conftest import Reader, Web
from tests.services.conftest import Desk
from tests.services.overnight import Night, grade


def fail_next(desk: Desk) -> None:
    """The job that is due ends with an error that no repetition mends."""
    claim = desk.claim()
    assert claim is not None
    with unit_of_work(desk.store.database) as session:
        attempts.fail(session, claim, CorruptPixels())


def test_what_failed_is_told_with_its_reason_until_it_was_read_again(web: Web, reader: Reader, desk: Desk) -> None:
    night = Night(desk)
    night.begin()
    jobs = [night.item(study) for study in ("one", "two")]
    for _ in jobs:
        fail_next(desk)
    client, path = web.client(Role.TECHNICIAN), f"/api/v1/batches/{night.id}/failures"
    first = client.get(path, params={"limit": 1}).json()
    second = client.get(path, params={"limit": 1, "cursor": first["next_cursor"]}).json()
    told = [*first["items"], *second["items"]]
    assert ([item["job_id"] for item in told], second["next_cursor"]) == (jobs, None)
    assert (told[0]["code"], told[0]["detail"]) == ("corrupt_pixels", "The pixel data does not decode.")
    assert client.post(f"/api/v1/jobs/{jobs[0]}/retry").status_code == 200
    states = [item["job_state"] for item in client.get(path).json()["items"]]
    assert states == ["queued", "failed"]
    reader.answer_next(grade(1))
    assert [item["job_id"] for item in client.get(path).json()["items"]] == jobs[1:]
    assert client.get(f"/api/v1/batches/{night.id}").json()["items"]["failed"] == 1
    assert client.get("/api/v1/batches/01JD8Q3Z5V7Y9XK2M4N6P8R0ST/failures").status_code == 404
