"""The gate every request passes: host and origin, security headers, the access log, metrics and the last resort."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.core.errors import BadRequest, Forbidden, OverreadError
from pipelines.core.places import places
from services.api.errors import http_problem, internal_problem, overread_problem
from services.api.metrics import Metrics
from services.intake.access import SAFE_METHODS

log = structlog.get_logger()

#: For every answer that does not set its own. `no-store`: patient data is not left in a browser's cache.
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
#: RFC 6797: a year, for browsers that came by HTTPS.
STRICT_TRANSPORT: Final = "max-age=31536000; includeSubDomains"
UNMATCHED: Final = "unmatched"
API_PREFIX: Final = "/api/v1"


class Gate:
    """ASGI middleware around the whole application; the one place of the web that catches all errors."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """`metrics` is told the route template, method, status and seconds of each request."""
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        passage = _Passage(scope, receive, send)
        begin = time.perf_counter()
        try:
            _check_host(scope)
            _check_origin(scope)
            await self.app(scope, receive, passage.send)
        except OverreadError as error:
            await passage.answer(overread_problem(error))
        except Exception as error:  # noqa: BLE001 - the last resort: the server would log the message, which may quote
            log.error("request.defect", route=route_template(scope), kind=type(error).__name__, at=places(error))
            await passage.answer(internal_problem())
        finally:
            seconds = time.perf_counter() - begin
            route, method = route_template(scope), _method(scope)
            self.metrics.observe_request(route, method, passage.status, seconds)
            log.info("request", route=route, method=method, status=passage.status, seconds=round(seconds, 4))


class _Passage:
    """One answer on its way out: its status is noted, headers it lacks are added, plain refusals become problems."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.forward = send
        self.status = 0  # 0: the client went before anything was sent
        self.replaced = False

    async def send(self, message: Message) -> None:
        if self.replaced:
            return
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if message["status"] >= HTTPStatus.BAD_REQUEST and headers.get("content-type", "").startswith("text/plain"):
                # The framework's limit on bodies answers by itself, past the handlers of errors.py.
                await http_problem(HTTPException(message["status"]))(self.scope, self.receive, self.send)
                self.replaced = True
                return
            self.status = message["status"]
            self._complete(headers)
        await self.forward(message)

    def _complete(self, headers: MutableHeaders) -> None:
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if self.scope["app"].state.settings.secure_cookies:
            headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)

    async def answer(self, response: ASGIApp) -> None:
        # Once the head is out nothing can be mended: the server then cuts the connection, so the reader notices.
        if self.status == 0:
            await response(self.scope, self.receive, self.send)


def route_template(scope: Scope) -> str:
    """The route as declared, /api/v1/studies/{study_id}: never the path asked for, which holds ids and names."""
    template = getattr(scope.get("route"), "path", None)
    if template is None:
        return UNMATCHED
    # A router knows its own part of the path only; the prefix it was included under comes before it.
    prefixed = scope["path"].startswith(API_PREFIX + "/") and not template.startswith(API_PREFIX)
    return f"{API_PREFIX}{template}" if prefixed else str(template)


def _method(scope: Scope) -> str:
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return scope["method"] if scope["method"] in known else "OTHER"


def _check_host(scope: Scope) -> None:
    """Refuse names this system does not answer to: a page elsewhere may point its own name at this address.

    An IP address or localhost needs no entry, since nobody else can make a browser believe it is theirs.
    """
    host = Headers(scope=scope).get("host", "")
    name = _host_name(host)
    allowed = {entry.strip().lower() for entry in scope["app"].state.settings.allowed_hosts.split(",")}
    if name not in allowed - {""} and name != "localhost" and not _is_address(name):
        raise BadRequest(
            "this system does not answer to that host name; see OVERREAD_ALLOWED_HOSTS", code="host_refused"
        )


def _check_origin(scope: Scope) -> None:
    """Refuse a browser's request that another site's page makes (no Origin: not a browser, or its own page's GET)."""
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is None or scope["method"] in SAFE_METHODS:
        return
    if _split(origin) != headers.get("host", "").lower():
        raise Forbidden("the request comes from another site's page", code="origin_refused")


def _split(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
