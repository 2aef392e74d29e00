"""What senders were told: every file that was acknowledged, with the hash of the bytes that were sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Condition
from typing import Any

from services.selftest.plan import Visit


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A file that the system said it holds."""

    visit: Visit
    sop_instance_uid: str
    sha256: str


class Ledger:
    """Written by many senders at once."""

    def __init__(self) -> None:
        """Nothing was sent yet."""
        self._news = Condition()
        self._files: dict[tuple[str, str], Acknowledged] = {}
        self._visits: dict[str, Visit] = {}
        self._unanswered: set[str] = set()
        self._statuses: Counter[int] = Counter()
        self._oddities: Counter[str] = Counter()

    def begin(self, visit: Visit) -> None:
        """A visit is being sent."""
        with self._news:
            self._visits[visit.name] = visit
            self._unanswered.add(visit.name)

    def end(self, visit: Visit) -> None:
        """All that the visit had to say was answered."""
        with self._news:
            self._unanswered.discard(visit.name)

    def acknowledge(self, visit: Visit, sent: Mapping[str, str], received: Iterable[Mapping[str, Any]]) -> None:
        """An answer of 202 came: `sent` maps SOP Instance UIDs to hashes, `received` is the answer's list (Any: JSON).

        A photograph gets its UID from the system, so its hash is found by the file's name instead.
        """
        with self._news:
            for one in received:
                if one["status"] == "rejected":
                    self._oddities[f"visit {visit.name}: a file was rejected ({one['code']})"] += 1
                    continue
                uid = one["sop_instance_uid"]
                sha256 = sent.get(uid) or sent[one["name"]]
                self._files[uid, sha256] = Acknowledged(visit, uid, sha256)
            self._news.notify_all()

    def note(self, status: int) -> None:
        """A request was answered with this status; 0: the connection broke."""
        with self._news:
            self._statuses[status] += 1

    def wonder(self, oddity: str) -> None:
        """Something was answered that should not be."""
        with self._news:
            self._oddities[oddity] += 1

    def wait_for_acknowledgement(self, seconds: float) -> bool:
        """Block until the next 202; False where none came in time."""
        with self._news:
            return self._news.wait(seconds)

    @property
    def files(self) -> list[Acknowledged]:
        """All files that were acknowledged."""
        with self._news:
            return list(self._files.values())

    @property
    def visits(self) -> list[Visit]:
        """All visits that were begun."""
        with self._news:
            return list(self._visits.values())

    @property
    def unanswered(self) -> list[str]:
        """Visits whose sender never heard the end of it."""
        with self._news:
            return sorted(self._unanswered)

    @property
    def statuses(self) -> dict[int, int]:
        """How often each status was answered."""
        with self._news:
            return dict(sorted(self._statuses.items()))

    @property
    def oddities(self) -> list[str]:
        """What should not have been answered."""
        with self._news:
            return [f"{oddity}, {number} times" for oddity, number in self._oddities.items()]
