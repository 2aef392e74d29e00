"""The archive is read again while the system is under fire: paused, resumed, and another one cancelled."""

from __future__ import annotations

import time
from threading import Thread
from types import TracebackType
from typing import Final, Self

import httpx

from services.selftest.asking import Asker, GaveUp
from services.selftest.ledger import Ledger

#: The version of the self-test's model that the archive is read with, beside the one in use.
VERSION: Final = "2.0.0"
ADDEND: Final = 100
#: Only what has an answer is read again: poison would cost every batch what it cost the first time.
READ_BY: Final = "1.0.0"
_MOST_KEYS: Final = 100
#: Shares of the run: when the first batch begins, is paused and goes on, and when the second begins and is cancelled.
_BEGIN, _PAUSE, _RESUME, _SECOND, _CANCEL = 0.5, 0.6, 0.7, 0.8, 0.95


class Nights:
    """A thread that starts batches at their times; the second one is cancelled."""

    def __init__(self, asker: Asker, ledger: Ledger, seconds: float) -> None:
        """Nothing is asked yet; `seconds` is how long the run lasts."""
        self._asker = asker
        self._ledger = ledger
        self._seconds = seconds
        self._begin = time.monotonic()
        self._thread = Thread(target=self._keep, name="nights", daemon=True)

    def __enter__(self) -> Self:
        self._begin = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join()

    def _keep(self) -> None:
        try:
            first = self._start(_BEGIN, "first")
            self._at(_PAUSE)
            self._asker.post(f"/batches/{first}/pause")
            self._at(_RESUME)
            self._asker.post(f"/batches/{first}/resume")
            second = self._start(_SECOND, "second")
            self._at(_CANCEL)
            self._asker.post(f"/batches/{second}/cancel")
        except GaveUp:
            self._ledger.wonder("a batch could not be started, paused, resumed or cancelled")

    def _start(self, share: float, name: str) -> str:
        """The id of a batch over all that was read so far."""
        self._at(share)
        body: dict[str, object] = {"name": f"self-test, {name}", "pipeline": "selftest", "model_version": VERSION}
        body |= {"source": {"kind": "stored"}, "query": {"read_by": READ_BY}}
        keys = (f"batch-{name}-{again}" for again in range(_MOST_KEYS))
        batch: str = self._asker.ask(lambda key: self._ask_for(body, key), keys)["id"]
        return batch

    def _ask_for(self, body: dict[str, object], key: str) -> httpx.Response:
        return self._asker.http.post("/batches", json=body, headers={"Idempotency-Key": key})

    def _at(self, share: float) -> None:
        time.sleep(max(0.0, self._begin + share * self._seconds - time.monotonic()))
