"""A model over time, over HTTP: how readers judged it, and how far it has drifted."""

from __future__ import annotations

from datetime import date

from services.store.states import Role
from tests.services.api.conftest import Reader, Web
from tests.services.conftest import Desk
from tests.services.counted import MODEL, VERSION, Weeks
from tests.services.overnight import grade


def test_a_models_drift_is_told_by_week_with_the_rule_that_judges_it(web: Web, desk: Desk) -> None:
    weeks = Weeks.at(desk)
    weeks.add(3, [at / 100 for at in range(100)])
    weeks.add(1, [at / 500 for at in range(100)])
    told = web.client(Role.TECHNICIAN).get(f"/api/v1/models/{MODEL}/drift", params={"weeks": 4}).json()
    assert (told["version"], told["limit"], told["weeks_to_alarm"], told["drifting"]) == (VERSION, 0.25, 2, [])
    assert (told["reference"]["n"], told["reference"]["wanted"]) == (200, 1000)
    assert [week["n"] for week in told["weeks"]] == [100, 0, 100, 0]
    assert [date.fromisoformat(week["week"]).weekday() for week in told["weeks"]] == [0] * 4
    assert {one["name"] for one in told["measures"]} == {"category", "value", "confidence", "quality"}


def test_a_week_of_signatures_is_told_by_what_readers_made_of_the_answers(web: Web, reader: Reader) -> None:
    client = web.client(Role.CLINICIAN)
    accepted, edited, rejected, doubtful = (reader.read(f"s{n}", grade(1, unsure=n == 3)) for n in range(4))
    changed = [{"label": "dr_grade", "value": 3, "laterality": None}]
    for read, word in (
        (accepted, {"verdict": "accept"}),
        (edited, {"verdict": "edit", "findings": changed, "reason": "grade_too_low"}),
        (rejected, {"verdict": "reject", "reason": "not_gradable"}),
        (doubtful, {"verdict": "accept"}),
    ):
        answer = client.post(f"/api/v1/results/{read.result_id}/reviews", json={"action": "sign", **word})
        assert answer.status_code == 201, answer.text
    told = client.get(f"/api/v1/models/{MODEL}/agreement", params={"weeks": 2}).json()
    (week,) = told["by_week"]
    assert (week["week"], week["version"]) == (told["weeks"][-1], VERSION)
    assert (week["accepted"]["count"], week["accepted"]["n"]) == (1, 3)
    assert (week["edited"], week["rejected"], week["unanswered"]) == (1, 1, 1)


def test_a_model_that_is_not_registered_has_no_weeks(web: Web) -> None:
    client = web.client(Role.TECHNICIAN)
    for path in ("drift", "agreement"):
        answer = client.get(f"/api/v1/models/unknown/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_model")
