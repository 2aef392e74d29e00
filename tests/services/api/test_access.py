"""Who may do what: credentials, roles, CSRF, hosts and origins, throttling."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import select, update

from pipelines.core.errors import NotAuthenticated, TooManyAttempts
from services.api.throttle import LoginThrottle
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.tables import AuditRow, BrowserSession, User
from tests.services.api.conftest import PASSWORD, Reader, Web

OPEN = {("get", "/healthz"), ("get", "/readyz"), ("post", "/api/v1/session")}
ID = "01JD8Q3Z5V7Y9XK2M4N6P8R0ST"


def operations(web: Web) -> list[tuple[str, str]]:
    """Every documented (method, path), ids filled in."""
    schema = web.client(Role.TECHNICIAN).get("/openapi.json").json()
    return [(method, path) for path, item in schema["paths"].items() for method in item]


def test_every_route_but_the_open_ones_asks_for_a_credential(web: Web) -> None:
    closed, stranger = [one for one in operations(web) if one not in OPEN], web.client()
    answers = {
        (method, path): stranger.request(method, re.sub(r"\{\w+\}", ID, path), json={}).json()["code"]
        for method, path in closed
    }
    assert len(closed) > 30
    assert set(answers.values()) <= {"not_authenticated", "invalid_request"}, answers


def test_the_reference_asks_for_a_login_and_loads_nothing(web: Web) -> None:
    assert web.client().get("/docs").status_code == 401
    assert web.client().get("/openapi.json").status_code == 401
    page = web.client(Role.TECHNICIAN).get("/docs")
    assert page.status_code == 200
    assert "<script" not in page.text and "http://" not in page.text and "https://" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "/api/v1/results/{result_id}" in page.text


def test_a_wrong_key_is_refused(web: Web) -> None:
    tokens = (
        b"Bearer",
        b"Bearer ovr_wrong",
        b"Bearer \xff\xfe",
        b"Bearer " + b"x" * 5000,
        b"Basic YTpi",
        b"Bearer a b",
    )
    answers = [web.client().get("/api/v1/me", headers={"Authorization": token}) for token in tokens]
    assert [answer.status_code for answer in answers] == [401] * len(tokens)
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


def test_a_key_is_never_helped_by_a_cookie(web: Web) -> None:
    web.user(Role.ADMIN, "ada")
    browser = web.browser("ada")
    assert browser.get("/api/v1/me").status_code == 200
    assert browser.get("/api/v1/me", headers={"Authorization": "Bearer ovr_wrong"}).status_code == 401


def test_a_key_ends_with_the_person_who_made_it(web: Web) -> None:
    client = web.client(Role.CLINICIAN, "carol")
    assert client.get("/api/v1/me").json()["role"] == "clinician"
    with unit_of_work(web.store.database) as session:
        session.execute(update(User).where(User.name == "carol").values(disabled_at=User.created_at))
    assert client.get("/api/v1/me").status_code == 401


def test_a_key_may_no_more_than_the_person_who_made_it_may_now(web: Web) -> None:
    client = web.client(Role.ADMIN, "ada")
    assert client.get("/api/v1/users").status_code == 200
    with unit_of_work(web.store.database) as session:
        session.execute(update(User).where(User.name == "ada").values(role=Role.TECHNICIAN))
    assert client.get("/api/v1/users").status_code == 403
    assert client.get("/api/v1/me").json()["role"] == "technician"


def test_a_key_of_a_lesser_role_stays_so_whoever_made_it(web: Web) -> None:
    maker = web.user(Role.ADMIN, "ada")
    key = web.key(Role.TECHNICIAN, f"user:{maker}")
    answer = web.client().get("/api/v1/users", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.TECHNICIAN, "/api/v1/studies", 200),
        (Role.TECHNICIAN, "/api/v1/rejections", 200),
        (Role.TECHNICIAN, "/api/v1/users", 403),
        (Role.CLINICIAN, "/api/v1/keys", 403),
        (Role.CLINICIAN, "/api/v1/audit", 403),
        (Role.ADMIN, "/api/v1/users", 200),
        (Role.ADMIN, "/api/v1/keys", 200),
        (Role.ADMIN, "/api/v1/audit", 200),
    ],
)
def test_roles_open_what_they_should(web: Web, role: Role, path: str, status: int) -> None:
    assert web.client(role).get(path).status_code == status


def test_a_technician_cannot_sign(web: Web, reader: Reader) -> None:
    read = reader.read()
    answer = web.client(Role.TECHNICIAN).post(
        f"/api/v1/results/{read.result_id}/reviews", json={"action": "sign", "verdict": "accept"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_logging_in_sets_a_hidden_session_cookie_and_a_readable_csrf_cookie(web: Web) -> None:
    web.user(Role.CLINICIAN, "carol")
    answer = web.client().post("/api/v1/session", json={"name": "carol", "password": PASSWORD})
    assert answer.status_code == 201
    cookies = {cookie.split("=", 1)[0]: cookie.lower() for cookie in answer.headers.get_list("set-cookie")}
    assert all("samesite=strict" in cookie for cookie in cookies.values())
    assert "httponly" in cookies["overread_session"] and "httponly" not in cookies["overread_csrf"]
    assert answer.json()["user"]["name"] == "carol"


def test_a_session_changes_nothing_without_its_csrf_token(web: Web) -> None:
    web.user(Role.ADMIN, "ada")
    browser = web.browser("ada")
    body = {"name": "camera", "role": "technician"}
    assert browser.post("/api/v1/keys", json=body).json()["code"] == "csrf_failed"
    assert browser.post("/api/v1/keys", json=body, headers={"X-CSRF-Token": "wrong"}).json()["code"] == "csrf_failed"
    token = browser.cookies["overread_csrf"]
    assert browser.post("/api/v1/keys", json=body, headers={"X-CSRF-Token": token}).status_code == 201


def test_logging_out_ends_the_session(web: Web) -> None:
    web.user(Role.ADMIN, "ada")
    browser = web.browser("ada")
    token = browser.cookies["overread_session"]
    assert browser.delete("/api/v1/session").json()["code"] == "csrf_failed"
    csrf = {"X-CSRF-Token": browser.cookies["overread_csrf"]}
    assert browser.delete("/api/v1/session", headers=csrf).status_code == 204
    assert "overread_session" not in browser.cookies
    assert browser.get("/api/v1/me").status_code == 401
    browser.cookies.set("overread_session", token)
    assert browser.get("/api/v1/me").status_code == 401


def test_the_database_holds_no_token(web: Web) -> None:
    web.user(Role.ADMIN, "ada")
    token = web.browser("ada").cookies["overread_session"]
    with unit_of_work(web.store.database, writing=False) as session:
        rows = session.scalars(select(BrowserSession)).all()
    assert len(rows) == 1
    assert token not in {rows[0].id, rows[0].csrf_hash}


def test_logins_in_and_refused_are_audited_without_the_name(web: Web) -> None:
    web.user(Role.ADMIN, "ada")
    web.browser("ada")
    web.client().post("/api/v1/session", json={"name": "mallory", "password": "wrong password"})
    with unit_of_work(web.store.database, writing=False) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action.startswith("session."))).all()
    assert [row.action for row in rows] == ["session.opened", "session.refused"]
    assert "mallory" not in str([(row.actor, row.subjects) for row in rows])


def test_guessing_a_password_has_to_wait(web: Web) -> None:
    web.user(Role.ADMIN, "ada")
    wrong = [web.client().post("/api/v1/session", json={"name": "ada", "password": f"guess {n}"}) for n in range(6)]
    assert [answer.status_code for answer in wrong] == [401] * 5 + [429]
    assert int(wrong[-1].headers["retry-after"]) > 0
    right = web.client().post("/api/v1/session", json={"name": "ada", "password": PASSWORD})
    assert right.status_code == 429


def test_an_unknown_name_waits_as_a_known_one_does(web: Web) -> None:
    wrong = [web.client().post("/api/v1/session", json={"name": "nobody", "password": "wrong"}) for _ in range(6)]
    assert [answer.status_code for answer in wrong] == [401] * 5 + [429]


def test_the_wait_of_a_throttled_login_doubles_and_passes() -> None:
    now = [0.0]
    throttle = LoginThrottle(2, 10, clock=lambda: now[0])

    def fail() -> int:
        try:
            with throttle.attempt("ada", "here"):
                raise NotAuthenticated
        except TooManyAttempts as error:
            return int(str(error.facts["seconds"]))
        except NotAuthenticated:
            return 0

    assert [fail(), fail(), fail()] == [0, 0, 11]
    now[0] = 10.0
    assert [fail(), fail()] == [0, 21]
    with throttle.attempt("ada", "elsewhere"):
        pass


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "192.168.1.5", "[::1]:8000", "reads.example"])
def test_known_hosts_and_addresses_are_answered(allowing: Web, host: str) -> None:
    assert allowing.client().get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[", "reads.example.evil"])
def test_other_hosts_are_refused(allowing: Web, host: str) -> None:
    answer = allowing.client().get("/healthz", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (400, "host_refused")


@pytest.fixture
def allowing(settings, store):
    """The application with one further host name."""
    from tests.services.api.conftest import serve

    yield from serve(settings.model_copy(update={"allowed_hosts": "reads.example, other.example"}), store)


def test_another_sites_page_can_change_nothing(web: Web) -> None:
    body = {"name": "ada", "password": PASSWORD}
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        answer = web.client().post("/api/v1/session", json=body, headers={"Origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")
    assert web.client().post("/api/v1/session", json=body, headers={"Origin": web.url}).status_code == 401


def test_every_answer_carries_security_headers(web: Web) -> None:
    answers: list[httpx.Response] = [web.client().get(path) for path in ("/healthz", "/api/v1/me", "/nowhere", "/")]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
