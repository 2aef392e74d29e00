"""Jobs: their list, their place in the queue, retry and cancel."""

from __future__ import annotations

from sqlalchemy import select

from pipelines.core.errors import CorruptPixels, ReaderCrashed
from services.store import attempts, leases
from services.store.session import unit_of_work
from services.store.states import JobState, Priority, Role
from services.store.tables import AuditRow
from tests.services.api.conftest import Reader, Web
from tests.services.conftest import Desk


def failed_job(desk: Desk) -> str:
    """A job that a corrupt picture ended."""
    job_id = desk.queue()
    claim = desk.claim()
    assert claim is not None
    with unit_of_work(desk.store.database) as session:
        attempts.fail(session, claim, CorruptPixels())
    return job_id


def test_jobs_are_listed_newest_first_page_by_page(web: Web, desk: Desk) -> None:
    made = [desk.queue() for _ in range(3)]
    client = web.client(Role.TECHNICIAN)
    first = client.get("/api/v1/jobs", params={"limit": 2}).json()
    second = client.get("/api/v1/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


def test_jobs_are_filtered_by_state_and_study(web: Web, desk: Desk) -> None:
    failed, queued = failed_job(desk), desk.queue()
    client = web.client(Role.TECHNICIAN)
    of_state = client.get("/api/v1/jobs", params={"state": ["failed", "quarantined"]}).json()["items"]
    of_study = client.get("/api/v1/jobs", params={"study": desk.job(queued).study_id}).json()["items"]
    assert ([job["id"] for job in of_state], [job["id"] for job in of_study]) == ([failed], [queued])


def test_a_waiting_job_knows_its_place(web: Web, desk: Desk) -> None:
    routine, stat = desk.queue(), desk.queue(Priority.STAT)
    client = web.client(Role.TECHNICIAN)
    places = [client.get(f"/api/v1/jobs/{job_id}").json()["place_in_queue"] for job_id in (stat, routine)]
    assert places == [1, 2]


def test_the_worklist_says_in_words_why_nothing_was_read(web: Web, desk: Desk) -> None:
    failed_job(desk)
    desk.queue()
    rows = web.client(Role.TECHNICIAN).get("/api/v1/studies").json()["items"]
    told = [(row["job_state"], row["job_error"], row["job_error_detail"]) for row in rows]
    assert told == [("failed", "corrupt_pixels", "The pixel data does not decode."), ("queued", None, None)]


def test_a_failed_job_says_why_and_runs_again_when_asked(web: Web, desk: Desk) -> None:
    job_id, client = failed_job(desk), web.client(Role.TECHNICIAN)
    job = client.get(f"/api/v1/jobs/{job_id}").json()
    assert (job["state"], job["error_code"], job["error_detail"]) == (
        "failed",
        "corrupt_pixels",
        "The pixel data does not decode.",
    )
    assert [(one["outcome"], one["code"]) for one in job["history"]] == [("failed", "corrupt_pixels")]
    again = client.post(f"/api/v1/jobs/{job_id}/retry")
    assert (again.status_code, again.json()["state"], again.json()["place_in_queue"]) == (200, "queued", 1)
    twice = client.post(f"/api/v1/jobs/{job_id}/retry")
    assert (twice.status_code, twice.json()["code"]) == (409, "illegal_state")


def test_a_queued_job_is_cancelled_once(web: Web, desk: Desk) -> None:
    job_id, client = desk.queue(), web.client(Role.TECHNICIAN)
    assert client.post(f"/api/v1/jobs/{job_id}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/api/v1/jobs/{job_id}/cancel").json()["code"] == "illegal_state"
    assert desk.job(job_id).state == JobState.CANCELLED
    with unit_of_work(web.store.database, writing=False) as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "job.cancelled")).one()
    assert row.actor.startswith("key:")


def test_a_quarantined_job_says_by_which_signal_on_which_device_and_step_it_ended(web: Web, desk: Desk) -> None:
    job_id, client = desk.queue(), web.client(Role.TECHNICIAN)
    for _ in range(attempts.ATTRIBUTED_DEATHS):
        with unit_of_work(desk.store.database) as session:
            claim = leases.claim_next(session, "retinopathy", "w1", 60, 600, "room-2/cuda:0")
            assert claim is not None
            attempts.die_of_itself(session, claim, ReaderCrashed.by(11, 4096), 11, 4096)
    job = client.get(f"/api/v1/jobs/{job_id}").json()
    assert (job["state"], job["error_code"]) == ("quarantined", "reader_crashed")
    assert "signal: 11" in job["error_detail"]
    newest = job["history"][0]
    assert (newest["signal"], newest["peak_memory_bytes"], newest["device"]) == (11, 4096, "room-2/cuda:0")
    listed = client.get("/api/v1/jobs", params={"state": "quarantined"}).json()["items"]
    assert [(one["id"], one["error_detail"]) for one in listed] == [(job_id, job["error_detail"])]


def test_one_idempotency_key_retries_once(web: Web, desk: Desk) -> None:
    job_id, client = failed_job(desk), web.client(Role.TECHNICIAN)
    client.headers["Idempotency-Key"] = "retry-1"
    first, second = (client.post(f"/api/v1/jobs/{job_id}/retry") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()


def test_a_request_that_failed_leaves_its_idempotency_key_free(web: Web, reader: Reader) -> None:
    job_id, client = reader.read().job_id, web.client(Role.TECHNICIAN)
    client.headers["Idempotency-Key"] = "retry-1"
    codes = [client.post(f"/api/v1/jobs/{job_id}/retry").json()["code"] for _ in range(2)]
    assert codes == ["illegal_state", "illegal_state"]
