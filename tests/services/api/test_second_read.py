"""Rules that ask for a second reader, what two readers' words amount to, and who decides between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from pipelines.core.types import Urgency
from services.settings import Settings
from services.store.session import unit_of_work
from services.store.signatures import standing_of
from services.store.states import JobRole, Role
from services.store.stores import Store
from services.store.tables import AuditRow, SecondRead
from tests.services.api.conftest import Read, Reader, Web, serve
from tests.services.api.test_reviews import EDIT, line, pointer, say
from tests.services.overnight import grade
from tests.services.readings import reading

ROUTE = "/api/v1/reading-rules"
ALL = {"name": "everything twice", "share": 1.0}
GRACE_SECONDS = 600.0


class Turn:
    """Readers who write one after the other, each having read what stands."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.newest: str | None = None

    def say(self, client: httpx.Client, action: str, **word: Any) -> httpx.Response:
        """Write on top of the newest word."""
        answer = say(client, self.read, action, base_review_id=self.newest, **word)
        if answer.status_code == 201:
            self.newest = answer.json()["id"]
        return answer

    def accept(self, client: httpx.Client, action: str = "sign") -> httpx.Response:
        """Accept the machine's answer."""
        return self.say(client, action, verdict="accept")

    def edit(self, client: httpx.Client, action: str = "sign") -> httpx.Response:
        """Give another grade."""
        return self.say(client, action, verdict="edit", findings=EDIT)


def rule(web: Web, **asked: Any) -> httpx.Response:
    """An administrator writes a rule down."""
    answer = web.client(Role.ADMIN).post(ROUTE, json={"name": "a rule", **asked})
    assert answer.status_code == 201, answer.text
    return answer


def state(client: httpx.Client) -> str:
    """Where the only line of the worklist stands."""
    return str(line(client)["review_state"])


def second_reads(web: Web) -> list[tuple[str, bool]]:
    """Why, and whether blinded, of every second read that was asked for."""
    with unit_of_work(web.store.database, writing=False) as session:
        return [(row.reason, row.blinded) for row in session.scalars(select(SecondRead).order_by(SecondRead.id))]


def held_by(client: httpx.Client) -> dict[str, tuple[int, int, int]]:
    """By review state, how many readings this reader's list, its count and the view of it tell."""
    views = {view["key"]: view["total"] for view in client.get("/api/v1/views/counts").json()["views"]}
    told = {}
    for asked, key in (("open", "to_read"), ("second_read", "second_read")):
        rows = client.get("/api/v1/studies", params={"review_state": asked}).json()["items"]
        counted = client.get("/api/v1/studies/counts", params={"review_state": asked}).json()["total"]
        told[asked] = (len(rows), counted, views[key])
    return told


@pytest.fixture
def turn(web: Web, reader: Reader) -> Turn:
    """A read study that a rule sends to two readers."""
    rule(web, share=1.0, blinded=False)
    return Turn(reader.read())


def test_a_rule_is_added_listed_and_ended(web: Web) -> None:
    admin = web.client(Role.ADMIN)
    made = admin.post(ROUTE, json={**ALL, "pipeline": "retinopathy", "urgencies": ["stat", "urgent"]})
    assert made.status_code == 201, made.text
    assert made.json()["blinded"] is True
    assert admin.get(ROUTE).json()["items"] == [made.json()]
    again = admin.post(ROUTE, json=ALL)
    assert (again.status_code, again.json()["code"]) == (409, "rule_exists")
    place = f"{ROUTE}/{made.json()['id']}"
    assert [admin.delete(place).status_code for _ in range(2)] == [204, 404]
    assert admin.get(ROUTE).json()["items"] == []
    assert admin.post(ROUTE, json=ALL).status_code == 201
    with unit_of_work(web.store.database, writing=False) as session:
        acts = session.scalars(select(AuditRow.action).where(AuditRow.action.like("reading_rule.%")))
        assert sorted(acts) == ["reading_rule.added", "reading_rule.added", "reading_rule.ended"]


def test_a_rule_is_refused_that_never_asks_is_of_no_pipeline_or_comes_from_no_administrator(web: Web) -> None:
    admin, carol = web.client(Role.ADMIN), web.client(Role.CLINICIAN)
    answers = [carol.get(ROUTE), carol.post(ROUTE, json=ALL), carol.delete(f"{ROUTE}/{'0' * 26}")]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    refused = [{"name": "never"}, ALL | {"pipeline": "astrology"}, ALL | {"share": 1.5}, ALL | {"name": ""}]
    codes = [admin.post(ROUTE, json=body).json()["code"] for body in refused]
    assert codes == ["empty_rule", "unknown_pipeline", "invalid_request", "invalid_request"]


def test_the_first_signature_waits_for_a_second_reader_of_the_same_answer(web: Web, turn: Turn) -> None:
    carol, dave = web.client(Role.CLINICIAN, "carol"), web.client(Role.CLINICIAN, "dave")
    assert turn.accept(carol).json()["standing"] is True
    assert state(carol) == "second_read"
    with unit_of_work(web.store.database, writing=False) as session:
        assert standing_of(session, turn.read.slot_id).settled_at(0.0) is None
    assert turn.accept(carol).json()["code"] == "already_signed"
    assert turn.accept(dave, "adjudicate").json()["code"] == "nothing_to_adjudicate"
    assert turn.accept(dave).status_code == 201
    assert (state(carol), line(carol)["verdict"]) == ("signed", "accept")
    with unit_of_work(web.store.database, writing=False) as session:
        asked = session.scalars(select(AuditRow).where(AuditRow.action == "review.second_asked")).one()
    assert asked.subjects["reason"] == "share"


def test_two_readers_who_differ_are_decided_between_by_a_third(web: Web, turn: Turn) -> None:
    carol, dave, erin = (web.client(Role.CLINICIAN) for _ in range(3))
    turn.accept(carol)
    assert turn.edit(dave).json()["standing"] is False
    assert (state(carol), line(carol)["verdict"]) == ("adjudication", None)
    refused = [turn.edit(dave, "amend"), turn.accept(dave, "adjudicate"), turn.accept(carol, "adjudicate")]
    refused.append(turn.accept(erin))
    assert [answer.json()["code"] for answer in refused] == [
        "adjudication_needed",
        "adjudicator_must_be_third",
        "adjudicator_must_be_third",
        "adjudication_needed",
    ]
    assert [answer.status_code for answer in refused] == [409, 403, 403, 409]
    assert turn.edit(erin, "adjudicate").json()["standing"] is True
    assert (state(carol), line(carol)["verdict"]) == ("signed", "edit")
    assert turn.accept(erin, "amend").status_code == 201
    assert (state(carol), line(carol)["verdict"]) == ("signed", "accept")


def test_a_second_signature_taken_back_or_amended_is_weighed_again(web: Web, turn: Turn) -> None:
    carol, dave = web.client(Role.CLINICIAN), web.client(Role.CLINICIAN)
    turn.accept(carol)
    turn.edit(dave)
    assert turn.say(carol, "undo").json()["code"] == "not_your_signature"
    assert turn.say(dave, "undo").status_code == 201
    assert state(carol) == "second_read"
    assert turn.accept(dave).status_code == 201
    assert state(carol) == "signed"
    assert turn.edit(dave, "amend").status_code == 201
    assert state(carol) == "adjudication"


def test_an_answer_of_a_second_read_stays_while_it_waits(web: Web, reader: Reader) -> None:
    rule(web, share=1.0, blinded=False)
    old, carol, dave = reader.read("twice"), web.client(Role.CLINICIAN), web.client(Role.CLINICIAN)
    first = say(carol, old, "sign", verdict="accept").json()["id"]
    new = reader.read("twice")
    assert pointer(web, old) == (old.result_id, new.result_id)
    assert say(dave, old, "sign", verdict="edit", findings=EDIT, base_review_id=first).status_code == 201
    assert pointer(web, old) == (old.result_id, new.result_id)


#: What a rule asks, what the machine said, what the reader says, and why a second one is asked then.
ASKED: tuple[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str | None], ...] = (
    ({"urgencies": ["urgent"]}, {"urgency": Urgency.URGENT}, {"verdict": "accept"}, "urgency"),
    ({"urgencies": ["urgent"]}, {"urgency": Urgency.ROUTINE}, {"verdict": "accept"}, None),
    ({"on_abstained": True}, {"abstained": True}, {"verdict": "accept"}, "abstained"),
    ({"on_disagreement": True}, {}, {"verdict": "edit", "findings": EDIT}, "disagreement"),
    ({"on_disagreement": True}, {}, {"verdict": "accept"}, None),
    ({"pipeline": "segmentation", "share": 1.0}, {}, {"verdict": "accept"}, None),
)


def reason_of(web: Web, reader: Reader, asked: dict[str, Any], machine: dict[str, Any], word: Any) -> str | None:
    """Why a rule, written for this alone, asks for a second reader of a signed answer."""
    made = rule(web, **asked).json()["id"]
    read = reader.read(answer=reading(**machine))
    assert say(web.client(Role.CLINICIAN), read, "sign", **word).status_code == 201
    assert web.client(Role.ADMIN).delete(f"{ROUTE}/{made}").status_code == 204
    with unit_of_work(web.store.database, writing=False) as session:
        return session.scalar(select(SecondRead.reason).where(SecondRead.slot_id == read.slot_id))


def test_a_rule_asks_where_it_says(web: Web, reader: Reader) -> None:
    told = [reason_of(web, reader, asked, machine, word) for asked, machine, word, _ in ASKED]
    assert told == [reason for *_, reason in ASKED]


def test_a_reader_cannot_avoid_the_second_by_amending_what_was_accepted(web: Web, reader: Reader) -> None:
    rule(web, on_disagreement=True)
    turn, carol = Turn(reader.read()), web.client(Role.CLINICIAN)
    turn.accept(carol)
    assert state(carol) == "signed"
    turn.edit(carol, "amend")
    assert state(carol) == "second_read"


def test_of_several_rules_the_one_that_blinds_is_taken(web: Web, reader: Reader) -> None:
    rule(web, name="open", on_abstained=True, blinded=False)
    rule(web, name="blind", share=1.0)
    read = reader.read(answer=reading(abstained=True))
    say(web.client(Role.CLINICIAN), read, "sign", verdict="accept")
    assert second_reads(web) == [("share", True)]


def test_an_ended_rule_asks_nobody_and_leaves_what_it_asked(web: Web, turn: Turn, reader: Reader) -> None:
    admin, carol = web.client(Role.ADMIN), web.client(Role.CLINICIAN)
    turn.accept(carol)
    made = admin.get(ROUTE).json()["items"][0]["id"]
    assert admin.delete(f"{ROUTE}/{made}").status_code == 204
    assert state(carol) == "second_read"
    say(carol, reader.read(), "sign", verdict="accept")
    states = {one["review_state"] for one in carol.get("/api/v1/studies").json()["items"]}
    assert states == {"second_read", "signed"}


def test_the_newest_signature_says_until_when_it_can_be_taken_back(web: Web, reader: Reader) -> None:
    turn, carol = Turn(reader.read()), web.client(Role.CLINICIAN)
    turn.say(carol, "draft", comment="hm")
    turn.accept(carol)
    history = carol.get(f"/api/v1/results/{turn.read.result_id}/reviews").json()["items"]
    assert [one["undo_until"] is not None for one in history] == [False, True]
    assert carol.get(f"/api/v1/studies/{turn.read.study_id}").json()["reviews"] == history
    with unit_of_work(web.store.database, writing=False) as session:
        stands = standing_of(session, turn.read.slot_id)
    assert stands.newest is not None
    waited = stands.settled_at(GRACE_SECONDS)
    assert waited is not None
    assert (waited - stands.newest.created_at).total_seconds() == GRACE_SECONDS


@pytest.fixture
def hasty(settings: Settings, store: Store) -> Iterator[Web]:
    """An application that gives no time to think again."""
    yield from serve(settings.model_copy(update={"undo_grace_seconds": 0.0}), store)


def test_after_the_grace_time_a_signature_is_amended_and_not_taken_back(hasty: Web, reader: Reader) -> None:
    turn, carol = Turn(reader.read()), hasty.client(Role.CLINICIAN)
    turn.accept(carol)
    late = turn.say(carol, "undo")
    assert (late.status_code, late.json()["code"]) == (409, "grace_over")
    assert "amend" in late.json()["detail"]
    assert turn.edit(carol, "amend").status_code == 201


def test_that_a_shadow_says_otherwise_is_told_in_one_line_and_nothing_else_of_it(web: Web, reader: Reader) -> None:
    read, carol = reader.read("one", grade(1)), web.client(Role.CLINICIAN)
    place = f"/api/v1/studies/{read.study_id}"
    assert carol.get(place).json()["slots"][0]["shadow_disagreement"] is None
    reader.desk.queue(study="one", role=JobRole.SHADOW)
    shadow = reader.answer_next(grade(2))
    study = carol.get(place).json()
    assert study["slots"][0]["shadow_disagreement"] == {
        "model_version": "1.0.0",
        "headline": "DR grade 1 -> 2, now referable",
    }
    assert shadow.result_id not in str(study)


def test_a_newer_result_lets_neither_of_two_who_differ_decide(web: Web, reader: Reader) -> None:
    rule(web, share=1.0, blinded=False)
    old, (carol, dave, erin) = reader.read("twice"), [web.client(Role.CLINICIAN) for _ in range(3)]
    turn = Turn(old)
    turn.accept(carol)
    turn.edit(dave)
    turn.read = reader.read("twice")
    assert turn.accept(dave).json()["code"] == "adjudication_needed"
    assert state(carol) == "adjudication"
    assert turn.accept(erin, "adjudicate").status_code == 201
    assert (state(carol), pointer(web, old)) == ("signed", (turn.read.result_id, None))


def test_who_signed_first_has_the_reading_in_no_list_of_what_is_to_be_read(web: Web, turn: Turn) -> None:
    first, second = web.client(Role.CLINICIAN), web.client(Role.CLINICIAN, name="second")
    held = [held_by(client) for client in (first, second)]
    assert held == [{"open": (1, 1, 1), "second_read": (0, 0, 0)}] * 2
    turn.accept(first)
    assert held_by(first) == {"open": (0, 0, 0), "second_read": (0, 0, 0)}
    assert held_by(second) == {"open": (1, 1, 1), "second_read": (1, 1, 1)}
    assert len(first.get("/api/v1/studies").json()["items"]) == 1
    turn.say(first, "undo")
    assert held_by(first)["open"] == (1, 1, 1)


def test_who_signed_one_of_two_words_that_differ_has_the_reading_in_no_list_of_what_is_to_be_read(
    web: Web, turn: Turn
) -> None:
    first, second, third = (web.client(Role.CLINICIAN) for _ in range(3))
    turn.accept(first)
    turn.edit(second)
    asked = {"review_state": "adjudication"}
    nothing = {"open": (0, 0, 0), "second_read": (0, 0, 0)}
    assert [held_by(one) for one in (first, second)] == [nothing] * 2
    assert held_by(third)["open"] == (1, 1, 1)
    told = [one.get("/api/v1/studies", params=asked).json()["items"] for one in (first, second, third)]
    assert [len(items) for items in told] == [0, 0, 1]
    assert [line(one)["waits_for_another"] for one in (first, second, third)] == [True, True, False]
    turn.say(second, "undo")
    assert held_by(second)["second_read"] == (1, 1, 1)
    assert [line(one)["waits_for_another"] for one in (first, second)] == [True, False]


def test_neither_of_the_two_opens_again_what_a_third_has_decided(web: Web, reader: Reader, each_store: Store) -> None:
    rule(web, share=1.0, blinded=False)
    turn, (first, second, third) = Turn(reader.read("twice")), [web.client(Role.CLINICIAN) for _ in range(3)]
    turn.accept(first)
    turn.edit(second)
    turn.accept(third, "adjudicate")
    again = turn.edit(second)
    assert (again.status_code, again.json()["code"]) == (409, "already_signed")
    assert turn.accept(first, "adjudicate").json()["code"] == "adjudicator_must_be_third"
    assert turn.edit(second, "amend").json()["code"] == "not_your_signature"
    assert (state(first), line(first)["verdict"]) == ("signed", "accept")
    turn.read = reader.read("twice")
    assert [turn.edit(one).json()["code"] for one in (first, second)] == ["adjudication_needed"] * 2
    assert turn.edit(third).status_code == 201
    assert (state(first), line(first)["verdict"]) == ("signed", "edit")
