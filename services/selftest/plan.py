"""What a run of the self-test does and when, drawn from a seed: the same seed, the same plan."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipelines.selftest_words import Act, Word


class Strike(StrEnum):
    """A blow to the running system."""

    KILL_WORKER = "kill worker"  #: kill -9 in the middle of a job
    KILL_READER = "kill reader"  #: kill -9 of the process that computes
    KILL_API = "kill API"  #: kill -9 right behind an answer
    KILL_SCHEDULER = "kill scheduler"  #: kill -9
    KILL_BROKER = "kill broker"  #: kill -9; it comes back with its files
    WIPE_BROKER = "wipe broker"  #: everything it knows is gone
    STOP_DATABASE = "stop database"  #: the server is stopped at once, or the file locked past the busy timeout
    FILL_QUOTA = "fill quota"  #: stored bytes reach their quota
    FULL_DISK = "full disk"  #: writes find no room
    FREEZE_WORKER = "freeze worker"  #: stopped past its lease and woken: it believes the job is still its own


class VisitKind(StrEnum):
    """A way in which a sender sends."""

    SINGLE = "single files"  #: each in a request of its own, then `complete`
    ARCHIVE = "archive"  #: one zip file
    DUPLICATE = "duplicate"  #: the same request twice
    CUT = "cut connection"  #: half a body, then the whole request with the same Idempotency-Key
    LATE = "late slice"  #: one more file after `complete`
    PHOTOGRAPH = "photograph"  #: a fundus photograph, read by the shipped model
    CANCEL = "cancelled"  #: its job is cancelled while it runs or waits


#: What a strike takes, roughly, until the system is well again.
SECONDS: Final[dict[Strike, float]] = {
    Strike.KILL_WORKER: 1.5,
    Strike.KILL_READER: 1.0,
    Strike.KILL_API: 1.5,
    Strike.KILL_SCHEDULER: 1.0,
    Strike.KILL_BROKER: 1.0,
    Strike.WIPE_BROKER: 0.5,
    Strike.STOP_DATABASE: 3.5,
    Strike.FILL_QUOTA: 2.0,
    Strike.FULL_DISK: 2.0,
    Strike.FREEZE_WORKER: 5.0,
}
#: Words of planted poison, and how its jobs must end.
POISON: Final = (Act.HANG, Act.CRASH, Act.EXHAUST, Act.FAIL, Act.DEFECT)
#: Below this a run sends no photographs: each killed reader loads the model anew, which takes seconds.
PHOTOGRAPHS_FROM_SECONDS: Final = 45.0
_PHOTOGRAPH_EVERY_SECONDS: Final = 15.0
_VISITS_A_SECOND: Final = 1.0
_POISON_EVERY: Final = 4  # visits, until every kind was sent once
_LATER_POISON_EVERY: Final = 15  # and from then on
_WORK_SECONDS: Final = (0.1, 0.9)  # what most readings take
LONG_SECONDS: Final = 2.5  # what some take, so that strikes meet jobs that run
_LONG_EVERY: Final = 4  # visits
_MOST_IMAGES: Final = 4
_ORDINARY: Final = (
    VisitKind.SINGLE,
    VisitKind.ARCHIVE,
    VisitKind.DUPLICATE,
    VisitKind.CUT,
    VisitKind.LATE,
    VisitKind.CANCEL,
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One study to send at `at` seconds; `name` is its own, `word` what its first object asks for."""

    at: float
    name: str
    kind: VisitKind
    word: Word
    images: int

    @property
    def is_poison(self) -> bool:
        """Whether its job must not succeed."""
        return self.word.act in POISON


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does: strikes in their order, each begun when the one before is over; visits at their times."""

    seed: int
    seconds: float
    strikes: tuple[Strike, ...]
    visits: tuple[Visit, ...]
    batches: bool


def make_plan(seed: int, seconds: float, strikes: Sequence[Strike] = ()) -> Plan:
    """A plan for so many seconds; of all kinds of strikes, or of `strikes` alone, then without poison and batches.

    Every kind comes once before any comes twice. When a strike meets which job is not in the plan: that is up to the
    machine's speed.
    """
    chance = random.Random(seed)
    whole = not strikes
    drawn = _strikes(chance, seconds, strikes or tuple(Strike))
    return Plan(seed, seconds, drawn, _visits(chance, seed, seconds, poisoned=whole), batches=whole)


def _strikes(chance: random.Random, seconds: float, kinds: Sequence[Strike]) -> tuple[Strike, ...]:
    drawn = chance.sample(kinds, len(kinds))
    left = seconds - sum(SECONDS[strike] for strike in drawn)
    while left > 0:
        drawn.append(chance.choice(kinds))
        left -= SECONDS[drawn[-1]]
    return tuple(drawn)


def _visits(chance: random.Random, seed: int, seconds: float, *, poisoned: bool) -> tuple[Visit, ...]:
    number = max(len(_ORDINARY), int(seconds * _VISITS_A_SECOND))
    kinds = [_ORDINARY[at % len(_ORDINARY)] for at in range(number)]
    chance.shuffle(kinds)
    words = [_work(chance, kind, at) for at, kind in enumerate(kinds)]
    for order, at in enumerate(_poisoned(number) if poisoned else ()):
        kinds[at], words[at] = VisitKind.SINGLE, Word(POISON[order % len(POISON)])
    visits = [
        Visit(at * seconds / number, f"{seed}-{at}", kind, word, chance.randint(1, _MOST_IMAGES))
        for at, (kind, word) in enumerate(zip(kinds, words, strict=True))
    ]
    if seconds >= PHOTOGRAPHS_FROM_SECONDS:
        visits += [
            Visit(at * _PHOTOGRAPH_EVERY_SECONDS, f"{seed}-p{at}", VisitKind.PHOTOGRAPH, Word(Act.SUCCEED), 1)
            for at in range(int(seconds / _PHOTOGRAPH_EVERY_SECONDS))
        ]
    return tuple(sorted(visits, key=lambda visit: visit.at))


def _poisoned(number: int) -> list[int]:
    """Which of so many visits bring poison."""
    first = range(_POISON_EVERY // 2, number, _POISON_EVERY)[: len(POISON)]
    return [*first, *range(first.stop + _LATER_POISON_EVERY, number, _LATER_POISON_EVERY)]


def _work(chance: random.Random, kind: VisitKind, at: int) -> Word:
    seconds = round(chance.uniform(*_WORK_SECONDS), 2)
    is_long = kind is VisitKind.CANCEL or at % _LONG_EVERY == 0
    return Word(Act.SLEEP, LONG_SECONDS if is_long else seconds)
