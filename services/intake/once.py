"""Idempotency-Key for bodies that are streamed: what the request was is known only when it has been read."""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread
from typing import Final

from pipelines.core.errors import DatabaseUnavailable, KeyReused, StillRunning
from services.intake.answers import Answer
from services.store import idempotency
from services.store.idempotency import RUNNING_SECONDS, OneTime
from services.store.session import unit_of_work
from services.store.stores import Store

ROUTE: Final = "POST /studies"
#: Stands for the digest while the body is being read; no sha256 looks like it.
UNREAD: Final = "unread"
#: How often a body that is still being read says so: a key whose request gave no sign for a minute is free.
SIGN_SECONDS: Final = RUNNING_SECONDS / 4


class Once:
    """One request's claim on its key; without a key everything here does nothing."""

    def __init__(self, store: Store, credential: str, key: str | None, sign_seconds: float = SIGN_SECONDS) -> None:
        """Nothing is claimed yet; what is claimed says every `sign_seconds` that it still runs."""
        self._store = store
        self._key = OneTime(credential, ROUTE, key) if key is not None else None
        self._sign_seconds = sign_seconds
        self._ended = Event()

    def was_answered(self) -> bool:
        """Claim the key; whether a request with it was answered before. Raises StillRunning."""
        if self._key is None:
            return False
        try:
            with unit_of_work(self._store.database) as session:
                idempotency.begin(session, self._key, UNREAD)
        except KeyReused:
            return True
        Thread(target=self._give_signs, args=(self._key,), name="idempotency", daemon=True).start()
        return False

    def _give_signs(self, key: OneTime) -> None:
        while not self._ended.wait(self._sign_seconds):
            with suppress(DatabaseUnavailable), unit_of_work(self._store.database) as session:
                idempotency.renew(session, key)

    def repeated(self, digest: str) -> Answer:
        """The answer given before to the request of this digest; raises KeyReused where it was another request."""
        if self._key is None:
            raise StillRunning
        with unit_of_work(self._store.database) as session:
            kept = idempotency.begin(session, self._key, digest)
            if kept is None:
                # The answer was kept for a day, which ended while this body was read: the sender asks again.
                idempotency.forget(session, self._key)
                raise StillRunning
        return Answer(kept.status, kept.answer)

    def keep(self, digest: str, answer: Answer) -> None:
        """Remember the answer for who asks again."""
        self._ended.set()
        if self._key is not None:
            with unit_of_work(self._store.database) as session:
                idempotency.restate(session, self._key, digest)
                idempotency.keep(session, self._key, answer.status, answer.document)

    def forget(self) -> None:
        """The request came to nothing that must not happen twice: the key is free again.

        Where the database is away it is free a minute later, as after a crash.
        """
        self._ended.set()
        if self._key is not None:
            with suppress(DatabaseUnavailable), unit_of_work(self._store.database) as session:
                idempotency.forget(session, self._key)
