"""Talks to a running Overread over REST, as any other program would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from pipelines.core.errors import (
    BadInput,
    BadRequest,
    BodyTooLarge,
    Conflict,
    Forbidden,
    NotAuthenticated,
    NotFound,
    OverreadError,
    StorageFull,
    Unavailable,
)

CONNECT_PATIENCE_SECONDS: Final = 5.0
#: One request may carry hundreds of files that the service makes durable one by one.
ANSWER_PATIENCE_SECONDS: Final = 600.0
TRIES: Final = 5
FIRST_PAUSE_SECONDS: Final = 0.5
ERRORS: Final[Mapping[int, type[OverreadError]]] = {
    401: NotAuthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: BodyTooLarge,
    422: BadInput,
    503: Unavailable,
    507: StorageFull,
}

#: JSON as the service sent it; Any, since the contract says what it holds.
Document = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """A running Overread and the key to it; safe to use from several threads."""

    url: str
    http: httpx.Client

    def get(self, path: str) -> Document:
        """One document; raises the service's own error."""
        return self._answer(lambda: self.http.get(path))

    def send(self, paths: Sequence[Path], fields: Mapping[str, str | list[str]]) -> Document:
        """Send files as one request; gives the answer of 202 and of 422, which have the same shape.

        `fields` travel in the body, not in the query: a proxy on the way may log addresses. Raises Unavailable,
        StorageFull, BodyTooLarge or NotAllowed where not all files were looked at.
        """

        def post() -> httpx.Response:
            with ExitStack() as opened:
                parts = [("files", (path.name, opened.enter_context(path.open("rb")))) for path in paths]
                return self.http.post("/api/v1/studies", data=fields, files=parts)

        return self._answer(post)

    def complete(self, study_id: str) -> Document:
        """Close a study, so that it is read now."""
        return self._answer(lambda: self.http.post(f"/api/v1/studies/{study_id}/complete"))

    def post(self, path: str, body: Document) -> Document:
        """What a JSON request gives; raises the service's own error."""
        return self._answer(lambda: self.http.post(path, json=body))

    def _answer(self, call: Callable[[], httpx.Response]) -> Document:
        """Call until the service has an answer, pausing longer each time it says "later"."""
        for attempt in range(TRIES):
            response = self._once(call)
            if response.status_code != Unavailable.status:
                break
            time.sleep(float(response.headers.get("retry-after", FIRST_PAUSE_SECONDS * 2**attempt)))
        return understood(response)

    def _once(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            return call()
        except httpx.UnsupportedProtocol as error:
            raise BadRequest(f"{self.url} is no address; one is written http://HOST:PORT", code="bad_url") from error
        except httpx.ConnectError as error:
            raise Unavailable(f"no Overread answers at {self.url}; `overread up` starts one") from error
        except httpx.TransportError as error:
            raise Unavailable(f"the connection to {self.url} broke; the same command goes on from here") from error


def understood(response: httpx.Response) -> Document:
    """The JSON of an answer; raises the error that a problem document states (RFC 9457).

    A submission of which nothing was kept is a problem document as well, but one that answers for each file.
    """
    kind = response.headers.get("content-type", "").split(";")[0]
    if kind not in {"application/json", "application/problem+json"}:
        raise OverreadError("the address answers, but not as Overread does", status=response.status_code)
    document: Document = response.json()
    nothing_kept = response.status_code == BadInput.status and document.get("received")
    if kind == "application/problem+json" and not nothing_kept:
        raise ERRORS.get(response.status_code, OverreadError)(document.get("detail"), code=document.get("code"))
    return document


@contextmanager
def connected(url: str, key: str) -> Iterator[Service]:
    """A service at this address; the connection pool is closed at the end."""
    if not key:
        raise NotAuthenticated("an API key is needed: --key, or the variable OVERREAD_API_KEY")
    timeout = httpx.Timeout(ANSWER_PATIENCE_SECONDS, connect=CONNECT_PATIENCE_SECONDS)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout) as http:
        yield Service(url.rstrip("/"), http)
