"""The heartbeat of a chunk: one thread that keeps the leases of all its claims and learns which of them are gone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from threading import Lock

from pipelines.core.errors import Unavailable
from services.settings import Settings
from services.store import chunks, leases
from services.store.leases import Claim
from services.store.session import unit_of_work
from services.store.stores import Store
from services.work.heartbeat import Heart


class ChunkHeart(Heart):
    """Beats while its block runs; a claim is kept from `keep` on until it is forgotten."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Nothing beats before the block begins."""
        super().__init__(store, settings)
        self._claims: dict[str, Claim] = {}
        self._lost: set[str] = set()
        self._lock = Lock()

    def keep(self, claims: Iterable[Claim]) -> None:
        """Keep these leases too."""
        with self._lock:
            self._claims.update((claim.job_id, claim) for claim in claims)

    def forget(self, claims: Iterable[Claim]) -> None:
        """These have ended."""
        with self._lock:
            for claim in claims:
                self._claims.pop(claim.job_id, None)
                self._lost.discard(claim.job_id)

    def has_lost(self, claim: Claim) -> bool:
        """Whether the claim was seen not to hold any more: it was cancelled, or taken for dead."""
        return claim.job_id in self._lost

    def _run(self) -> None:
        beaten = time.monotonic()
        while self._rest():
            with self._lock:
                claims = list(self._claims.values())
            is_time = time.monotonic() - beaten >= self._settings.heartbeat_seconds
            try:
                held = self._beat(claims) if is_time else self._look(claims)
            except Unavailable:
                continue  # the leases may outlast the outage; if not, the guard of the save finds out
            beaten = time.monotonic() if is_time else beaten
            with self._lock:
                self._lost |= {claim.job_id for claim in claims if claim.job_id in self._claims} - held

    def _beat(self, claims: Sequence[Claim]) -> set[str]:
        with unit_of_work(self._store.database) as session:
            return chunks.beat(session, claims, self._settings.lease_seconds)

    def _look(self, claims: Sequence[Claim]) -> set[str]:
        with unit_of_work(self._store.database, writing=False) as session:
            return leases.standing(session, claims)
