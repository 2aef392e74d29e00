"""Users, browser sessions and API keys."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import text
from sqlalchemy.orm import Session

from pipelines.core.errors import BadRequest, Conflict, NotAuthenticated, NotFound
from services.store import users
from services.store.clock import seconds_from_now
from services.store.ids import new_id
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store
from services.store.tables import BrowserSession

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its cheapest: these tests hash often, and how slow it is in earnest is not what they ask."""
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    monkeypatch.setattr(users, "_hasher", lambda: hasher)
    users._hash_of_nobody.cache_clear()


def test_a_user_logs_in_with_name_and_password(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        made = users.create_user(session, " anna ", PASSWORD, Role.CLINICIAN)
        assert users.authenticate(session, "anna", PASSWORD).id == made.id


@pytest.mark.parametrize("name", ["Anna", "ANNA ", "\uff21nna"])
def test_names_that_look_alike_are_one(store: Store, name: str) -> None:
    with unit_of_work(store.database) as session:
        users.create_user(session, "anna", PASSWORD, Role.CLINICIAN)
        with pytest.raises(Conflict) as refused:
            users.create_user(session, name, PASSWORD, Role.ADMIN)
        assert refused.value.code == "user_exists"


def test_two_administrators_who_demote_each_other_at_once_leave_one(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        both = [users.create_user(session, name, PASSWORD, Role.ADMIN).id for name in ("anna", "otto")]
    together = threading.Barrier(2)

    def demote(user_id: str) -> str:
        together.wait(10)
        try:
            with unit_of_work(each_store.database) as session:
                users.keep_an_admin(session, user_id)
                time.sleep(0.1)  # as long as another one takes to look
                users.set_role(session, user_id, Role.CLINICIAN)
        except Conflict as error:
            return error.code
        return "demoted"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(demote, both)) == ["demoted", "last_admin"]


def test_wrong_name_wrong_password_and_disabled_user_are_told_the_same(store: Store) -> None:
    with unit_of_work(store.database) as session:
        user = users.create_user(session, "anna", PASSWORD, Role.CLINICIAN)
        other = users.create_user(session, "otto", PASSWORD, Role.CLINICIAN)
        users.disable_user(session, other.id)
        said = {
            refusal(session, *pair) for pair in (("anna", "wrong password"), ("nobody", PASSWORD), ("otto", PASSWORD))
        }
        assert said == {("wrong_login", "name or password is wrong")}
        assert users.authenticate(session, "anna", PASSWORD).id == user.id


def refusal(session: Session, name: str, password: str) -> tuple[str, str]:
    """The code and sentence a login is refused with."""
    with pytest.raises(NotAuthenticated) as raised:
        users.authenticate(session, name, password)
    return raised.value.code, raised.value.sentence


def test_an_unknown_name_takes_a_hash_as_a_known_one_does(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    hasher, verified = users._hasher(), []

    class Counting:
        hash = hasher.hash

        def verify(self, password: str, hashed: str) -> bool:
            verified.append(hashed)
            return hasher.verify(password, hashed)

    monkeypatch.setattr(users, "_hasher", Counting)
    with unit_of_work(store.database) as session:
        users.create_user(session, "anna", PASSWORD, Role.CLINICIAN)
        refusal(session, "anna", "wrong password")
        refusal(session, "nobody", "wrong password")
    assert len(verified) == 2


def test_a_name_is_given_once(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        users.create_user(session, "anna", PASSWORD, Role.CLINICIAN)
        with pytest.raises(Conflict):
            users.create_user(session, "anna", PASSWORD, Role.ADMIN)
        assert [user.role for user in users.list_users(session)] == [Role.CLINICIAN]


@pytest.mark.parametrize(
    ("name", "password"), [("", PASSWORD), ("  ", PASSWORD), ("anna", "short"), ("anna", "x" * 1025)]
)
def test_a_bad_name_or_password_is_refused(store: Store, name: str, password: str) -> None:
    with unit_of_work(store.database) as session, pytest.raises(BadRequest):
        users.create_user(session, name, password, Role.CLINICIAN)


def test_no_secret_is_in_the_database(store: Store) -> None:
    with unit_of_work(store.database) as session:
        user = users.create_user(session, "anna", PASSWORD, Role.CLINICIAN)
        opened = users.open_session(session, user.id, 1)
        key = users.create_key(session, "scanner", Role.TECHNICIAN, "system")
    with unit_of_work(store.database, writing=False) as session:
        dump = "".join(
            str(row)
            for table in ("users", "sessions", "api_keys")
            for row in session.execute(text(f"SELECT * FROM {table}"))
        )
    assert not any(secret in dump for secret in (PASSWORD, opened.token, opened.csrf_token, key.key))


def test_a_session_belongs_to_its_user_until_it_is_closed(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        user = users.create_user(session, "anna", PASSWORD, Role.CLINICIAN)
        opened = users.open_session(session, user.id, 1)
        found, row = users.session_user(session, opened.token)
        assert (found.id, row.expires_at) == (user.id, opened.expires_at)
        assert users.csrf_matches(row, opened.csrf_token)
        assert not users.csrf_matches(row, opened.token)
        users.close_session(session, opened.token)
        with pytest.raises(NotAuthenticated):
            users.session_user(session, opened.token)


def expire(session: Session, user_id: str) -> None:
    """Let the session's time pass."""
    session.get_one(
        BrowserSession, session.scalars(text("SELECT id FROM sessions")).one()
    ).expires_at = seconds_from_now(-1)
    session.flush()


def change_password(session: Session, user_id: str) -> None:
    """The user takes another password."""
    users.set_password(session, user_id, "another horse")


@pytest.mark.parametrize("end", [expire, users.disable_user, change_password])
def test_a_session_ends(each_store: Store, end: Callable[[Session, str], None]) -> None:
    with unit_of_work(each_store.database) as session:
        user = users.create_user(session, "anna", PASSWORD, Role.CLINICIAN)
        opened = users.open_session(session, user.id, 1)
        end(session, user.id)
        with pytest.raises(NotAuthenticated):
            users.session_user(session, opened.token)


def test_sessions_that_are_over_are_forgotten(store: Store) -> None:
    with unit_of_work(store.database) as session:
        user = users.create_user(session, "anna", PASSWORD, Role.CLINICIAN)
        users.open_session(session, user.id, -1)
        users.open_session(session, user.id, 1)
        assert session.scalars(text("SELECT count(*) FROM sessions")).one() == 1


def test_a_key_works_until_it_is_revoked(each_store: Store) -> None:
    with unit_of_work(each_store.database) as session:
        made = users.create_key(session, "scanner", Role.TECHNICIAN, "system")
        assert made.key.startswith("ovr_")
        assert users.verify_key(session, made.key).id == made.id
        users.revoke_key(session, made.id)
        users.revoke_key(session, made.id)
        with pytest.raises(NotAuthenticated):
            users.verify_key(session, made.key)


def test_what_is_not_there_is_not_found(store: Store) -> None:
    with unit_of_work(store.database) as session:
        with pytest.raises(NotFound):
            users.revoke_key(session, new_id())
        with pytest.raises(NotFound):
            users.get_user(session, new_id())
        with pytest.raises(NotFound):
            users.find_user(session, "nobody")
