"""Blind reading where something was seen or said before: signatures taken back, answers shown before the switch."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import select

from pipelines.core.types import Artifact
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store
from services.store.tables import AuditRow, WorklistRow
from services.store.worklist import SECOND_READ_URGENCY, URGENCY_RANKS
from tests.services.api.conftest import Read, Reader, Web
from tests.services.api.test_blind import blind_client, commit, figures_of, left_eye, sign, slot_of
from tests.services.api.test_reviews import line
from tests.services.api.test_second_read import Turn, rule
from tests.services.readings import reading


@pytest.fixture
def turn(web: Web, reader: Reader) -> Turn:
    """A read study that a rule sends to a second reader who sees nothing."""
    rule(web, share=1.0)
    return Turn(reader.read())


def opens(client: httpx.Client, read: Read) -> bool:
    """Whether this client is shown the answer."""
    answer = client.get(f"/api/v1/results/{read.result_id}")
    assert answer.status_code in {200, 403}, answer.text
    return answer.status_code == 200


def switch(client: httpx.Client, *, blind_first: bool) -> None:
    """Switch blind-first reading on or off."""
    assert client.patch("/api/v1/me", json={"blind_first": blind_first}).status_code == 200


def test_who_reads_after_a_first_signature_was_taken_back_reads_blind(web: Web, turn: Turn, each_store: Store) -> None:
    carol, dave = web.client(Role.CLINICIAN, "carol"), web.client(Role.CLINICIAN, "dave")
    turn.edit(carol)
    assert turn.say(carol, "undo").status_code == 201
    assert (opens(carol, turn.read), opens(dave, turn.read)) == (True, False)
    slot = slot_of(dave, turn.read)
    assert (slot["review_state"], slot["second_read"]["blinded"], slot["withheld"]) == ("unread", True, True)
    assert (line(dave)["headline"], line(dave)["urgency"]) == (None, None)
    with unit_of_work(each_store.database, writing=False) as session:
        kept = session.scalars(select(WorklistRow).where(WorklistRow.slot_id == turn.read.slot_id)).one()
    assert kept.urgency_rank == URGENCY_RANKS[SECOND_READ_URGENCY]


def test_who_took_a_signature_back_goes_on_without_a_blind_word(web: Web, turn: Turn) -> None:
    carol = web.client(Role.CLINICIAN)
    turn.edit(carol)
    turn.say(carol, "undo")
    assert turn.accept(carol).status_code == 201
    assert line(carol)["review_state"] == "second_read"


def test_a_signature_taken_back_is_no_word_under_another_reader_s(web: Web, turn: Turn, each_store: Store) -> None:
    carol, dave = web.client(Role.CLINICIAN), web.client(Role.CLINICIAN)
    turn.edit(carol)
    turn.say(carol, "undo")
    assert commit(dave, turn.read).status_code == 201
    assert turn.accept(dave).status_code == 201
    assert not opens(carol, turn.read)
    assert turn.accept(carol).json()["code"] == "blind_read_first"
    assert commit(carol, turn.read).status_code == 201
    assert turn.accept(carol).status_code == 201
    assert line(carol)["review_state"] == "signed"


def test_a_taken_back_signature_of_an_open_second_read_hides_nothing(web: Web, reader: Reader) -> None:
    rule(web, share=1.0, blinded=False)
    turn, carol, dave = Turn(reader.read()), web.client(Role.CLINICIAN), web.client(Role.CLINICIAN)
    turn.accept(carol)
    turn.say(carol, "undo")
    assert opens(dave, turn.read)


def test_a_blind_word_after_the_answer_was_shown_counts_in_no_figure(
    web: Web, reader: Reader, each_store: Store
) -> None:
    read, client = reader.read(answer=left_eye(2)), web.client(Role.CLINICIAN, "bea")
    assert opens(client, read)
    switch(client, blind_first=True)
    assert slot_of(client, read)["seen_before"] is True
    commit(client, read)
    sign(client, read)
    assert slot_of(client, read)["seen_before"] is True
    (told,) = client.get("/api/v1/me/agreement").json()["pipelines"]
    assert (told["reads"], told["seen_before"], told["compared"]) == (1, 1, 0)
    assert figures_of(client)["changed_to_machine"] == (0, 0)


def test_a_short_look_in_between_is_remembered_however_often_the_study_was_opened(web: Web, reader: Reader) -> None:
    read, client = reader.read(), blind_client(web)
    client.get(f"/api/v1/studies/{read.study_id}")
    assert slot_of(client, read)["seen_before"] is False
    switch(client, blind_first=False)
    client.get(f"/api/v1/studies/{read.study_id}")
    switch(client, blind_first=True)
    assert slot_of(client, read)["seen_before"] is True


def test_a_look_in_the_browser_counts_for_the_key_of_the_same_person(web: Web, reader: Reader) -> None:
    read, client = reader.read(), web.client(Role.CLINICIAN, "bea")
    assert opens(web.browser("bea"), read)
    switch(client, blind_first=True)
    assert slot_of(client, read)["seen_before"] is True


def test_one_reader_s_look_and_a_look_at_the_picture_alone_spoil_no_word(web: Web, reader: Reader) -> None:
    picture = Artifact("volume.nii.gz", "volume", "application/gzip", b"what was scanned")
    read, client = reader.read(answer=reading(artifacts=(picture,))), web.client(Role.CLINICIAN, "bea")
    assert opens(web.client(Role.CLINICIAN, "carol"), read)
    assert client.get(f"/api/v1/results/{read.result_id}/artifacts/volume.nii.gz").status_code == 200
    switch(client, blind_first=True)
    assert slot_of(client, read)["seen_before"] is False


def test_that_an_answer_was_shown_is_written_once_and_not_after_the_own_word(
    web: Web, reader: Reader, each_store: Store
) -> None:
    read, client, blind = reader.read(), web.client(Role.CLINICIAN, "bea"), blind_client(web, "ben")
    commit(blind, read)
    for one in (client, client, blind):
        assert opens(one, read)
        one.get(f"/api/v1/studies/{read.study_id}")
    with unit_of_work(each_store.database, writing=False) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "answer.shown")).all()
    assert [row.subjects for row in rows] == [
        {"slot": read.slot_id, "user": client.get("/api/v1/me").json()["user_id"]}
    ]


def test_figures_of_all_need_three_readers_whose_words_count(web: Web, reader: Reader) -> None:
    read, asker = reader.read(answer=left_eye(2)), web.client(Role.CLINICIAN, "carol")
    spoiled = web.client(Role.CLINICIAN, "dave")
    assert opens(spoiled, read)
    switch(spoiled, blind_first=True)
    for client in (spoiled, blind_client(web, "first"), blind_client(web, "second")):
        assert commit(client, read).status_code == 201
    (told,) = asker.get("/api/v1/agreement").json()["pipelines"]
    assert (told["readers"], told["seen_before"], told["figures"]) == (2, 1, None)


def test_after_a_signature_was_taken_back_who_reads_blind_first_is_not_told_that_a_rule_asked(
    web: Web, turn: Turn
) -> None:
    carol, blind = web.client(Role.CLINICIAN), blind_client(web)
    turn.edit(carol)
    turn.say(carol, "undo")
    slot = slot_of(blind, turn.read)
    assert (slot["withheld"], slot["review_state"], slot["second_read"]) == (True, "unread", None)


LISTS = ("/api/v1/studies", "/api/v1/studies/counts?urgency=urgent", "/api/v1/views/counts")


@pytest.mark.parametrize("list_path", LISTS)
def test_a_headline_that_a_list_told_before_the_switch_spoils_the_word(
    web: Web, reader: Reader, list_path: str
) -> None:
    read, client = reader.read(answer=left_eye(2)), web.client(Role.CLINICIAN, "bea")
    assert client.get(list_path).status_code == 200
    switch(client, blind_first=True)
    assert slot_of(client, read)["seen_before"] is True
    assert commit(client, read).status_code == 201
    assert slot_of(client, read)["seen_before"] is True
    (told,) = client.get("/api/v1/me/agreement").json()["pipelines"]
    assert (told["reads"], told["seen_before"], told["compared"]) == (1, 1, 0)


def test_an_answer_that_came_after_the_switch_was_in_no_list(web: Web, reader: Reader, each_store: Store) -> None:
    client = web.client(Role.CLINICIAN, "bea")
    assert client.get("/api/v1/studies").status_code == 200
    switch(client, blind_first=True)
    read = reader.read(answer=left_eye(2))
    assert client.get("/api/v1/studies").json()["items"][0]["headline"] is None
    assert slot_of(client, read)["seen_before"] is False
    commit(client, read)
    (told,) = client.get("/api/v1/me/agreement").json()["pipelines"]
    assert (told["seen_before"], told["compared"]) == (0, 1)


def test_a_list_between_two_switches_is_remembered(web: Web, reader: Reader) -> None:
    client = web.client(Role.CLINICIAN, "bea")
    client.get("/api/v1/studies")
    switch(client, blind_first=True)
    read = reader.read()
    switch(client, blind_first=False)
    client.get("/api/v1/studies")
    switch(client, blind_first=True)
    assert slot_of(client, read)["seen_before"] is True


def test_a_list_in_the_browser_or_by_search_counts_for_the_key_of_the_same_person(web: Web, reader: Reader) -> None:
    read, client = reader.read(), web.client(Role.CLINICIAN, "bea")
    assert web.browser("bea").get("/api/v1/studies").status_code == 200
    switch(client, blind_first=True)
    assert slot_of(client, read)["seen_before"] is True
    searcher = web.client(Role.CLINICIAN, "ben")
    searcher.post("/api/v1/studies/search", json={"text": "study"})
    switch(searcher, blind_first=True)
    assert slot_of(searcher, read)["seen_before"] is True


def test_who_never_saw_a_list_has_seen_nothing_in_one(web: Web, reader: Reader) -> None:
    read, client = reader.read(), web.client(Role.CLINICIAN, "bea")
    assert web.client(Role.CLINICIAN, "carol").get("/api/v1/studies").status_code == 200
    switch(client, blind_first=True)
    assert slot_of(client, read)["seen_before"] is False


def test_a_second_reader_s_list_told_the_headline_until_the_first_signature(
    web: Web, turn: Turn, each_store: Store
) -> None:
    carol, early, late = (web.client(Role.CLINICIAN) for _ in range(3))
    early.get("/api/v1/studies")
    turn.edit(carol)
    assert line(late)["headline"] is None
    assert [slot_of(one, turn.read)["seen_before"] for one in (early, late)] == [True, False]


def test_looks_at_lists_are_one_row_for_some_minutes(web: Web, reader: Reader) -> None:
    reader.read()
    client, blind = web.client(Role.CLINICIAN), blind_client(web)
    for one in (client, client, blind):
        one.get("/api/v1/studies")
        one.get("/api/v1/studies/counts")
    with unit_of_work(web.store.database, writing=False) as session:
        rows = session.scalars(select(AuditRow.subjects).where(AuditRow.action == "answers.listed")).all()
    assert rows == [{"user": client.get("/api/v1/me").json()["user_id"]}]
