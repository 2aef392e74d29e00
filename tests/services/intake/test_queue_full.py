"""A queue that is full: images are not taken, whoever sends hears when to try again; what is urgent always comes in."""

from __future__ import annotations

from tests.services.conftest import Desk
from tests.services.intake.conftest import ServesWith, dicom


def test_with_too_many_jobs_waiting_only_urgent_studies_are_taken(serve_with: ServesWith, desk: Desk) -> None:
    desk.queue()
    desk.queue()
    held = len(desk.slots)
    sender = serve_with(queue_max_jobs=1)
    refused = sender.send(("a", dicom()))
    assert (refused.status_code, refused.json()["code"], refused.json()["received"]) == (503, "queue_full", [])
    assert int(refused.headers["Retry-After"]) > 0 and len(sender.studies()) == held
    assert sender.send(("a", dicom()), priority="stat").status_code == 202


def test_a_queue_with_room_takes_images(serve_with: ServesWith, desk: Desk) -> None:
    desk.queue()
    assert serve_with(queue_max_jobs=1).send(("a", dicom())).status_code == 202
