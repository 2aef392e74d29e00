"""Asks the system under test until it answers, as a patient client does; writes down what it was told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, Final

import httpx

from services.selftest.ledger import Ledger

PAUSE_SECONDS: Final = 0.25
#: A killed API leaves a key running for a minute; a sender that cannot wait asks under a new one.
_KEY_PATIENCE_SECONDS: Final = 1.5
_LATER: Final = frozenset({408, 429, 503, 507})
_DEFECT: Final = 500
#: A defect that is answered so often will not pass.
_DEFECTS: Final = 20
_CONFLICT: Final = 409
_STILL_RUNNING: Final = "idempotency_running"
_NO_KEY: Final = repeat("")
BROKEN: Final = 0  # instead of a status, where the connection broke


class GaveUp(Exception):
    """No answer came for too long, or none that asking again could change."""


class Asker:
    """Asks by HTTP; safe to use from several threads."""

    def __init__(self, http: httpx.Client, ledger: Ledger, deadline: float) -> None:
        """After `deadline` (monotonic) nothing is asked again."""
        self.http = http
        self._ledger = ledger
        self._deadline = deadline

    def get(self, path: str) -> dict[str, Any]:
        """One document (Any: JSON); raises GaveUp."""
        return self.ask(lambda _: self.http.get(path))

    def post(self, path: str) -> dict[str, Any]:
        """What a POST without a body is answered; a conflict is an answer too (Any: JSON). Raises GaveUp."""
        return self.ask(lambda _: self.http.post(path), settled=frozenset({_CONFLICT}))

    def ask(
        self,
        call: Callable[[str], httpx.Response],
        keys: Iterator[str] = _NO_KEY,
        settled: frozenset[int] = frozenset(),
    ) -> dict[str, Any]:
        """Ask until there is an answer, under the next of `keys` where the last one stays occupied (Any: JSON).

        `settled` are statuses that count as one besides those of success. Raises GaveUp.
        """
        key, since, defects = next(keys), time.monotonic(), 0
        while time.monotonic() < self._deadline:
            response = self._once(call, key)
            if response is not None:
                document: dict[str, Any] = _document(response)
                occupied = document.get("code") == _STILL_RUNNING
                if response.is_success or (response.status_code in settled and not occupied):
                    return document
                self._judge(response, document, occupied=occupied)
                defects += response.status_code == _DEFECT
                if defects > _DEFECTS:
                    break
                if occupied and time.monotonic() - since > _KEY_PATIENCE_SECONDS:
                    key, since = next(keys), time.monotonic()
            time.sleep(PAUSE_SECONDS)
        raise GaveUp

    def _once(self, call: Callable[[str], httpx.Response], key: str) -> httpx.Response | None:
        try:
            response = call(key)
        except httpx.TransportError:
            self._ledger.note(BROKEN)
            return None
        self._ledger.note(response.status_code)
        return response

    def _judge(self, response: httpx.Response, document: dict[str, Any], *, occupied: bool) -> None:
        """An answer that is none; raises GaveUp where asking again is of no use."""
        if occupied or response.status_code in _LATER:
            return
        self._ledger.wonder(f"{response.request.method} was answered {response.status_code} {document.get('code')}")
        if response.status_code < _DEFECT:
            raise GaveUp


def _document(response: httpx.Response) -> dict[str, Any]:
    if "json" not in response.headers.get("content-type", ""):
        return {}
    document: dict[str, Any] = response.json()
    return document
