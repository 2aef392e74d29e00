"""Who is in a synthetic archive: its size, its patients, and the ids of all that belongs to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from services.store.ids import CROCKFORD

YEARS: Final = 4
PATIENTS_SHARE: Final = 0.4  # of the number of studies: two to three visits a patient
_FAMILIES: Final = (
    "ALVAREZ BAKKER CHEN DIALLO ERIKSEN FISCHER GARCIA HOANG IVANOV JOSHI KOWALSKI LEHMANN MARTIN NAKAMURA OKAFOR "
    "PEREIRA QUISPE ROSSI SANTOS TANAKA UZUN VARGA WEBER XU YILMAZ ZIMMERMANN ANDERSSON BRUNNER COSTA DUBOIS"
)
_GIVEN: Final = (
    "ANNA BORIS CHIARA DAVID ELENA FARID GRETA HUGO INES JONAS KEIKO LARS MARIA NADIA OMAR PETRA RAJ SOFIA TOMAS UMA "
    "VERA WEI YUSUF ZOE AMINA BRUNO CLARA DIEGO EMIL FRIDA"
)
FAMILY_NAMES: Final = tuple(_FAMILIES.split())
GIVEN_NAMES: Final = tuple(_GIVEN.split())


class Person(NamedTuple):
    """A row of `patients`."""

    id: str
    issuer: str
    patient_id: str
    name: str
    birth_date: date
    sex: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Archive:
    """How large an archive is and when it ends; the same seed gives the same one."""

    studies: int
    backlog: int
    readers: int
    now: datetime
    seed: int = 0

    @property
    def patients(self) -> int:
        """How many people they are of."""
        return max(1, int(self.studies * PATIENTS_SHARE))


def stamp(moment: datetime) -> str:
    """The first ten characters of a ULID of this time: milliseconds since 1970."""
    milliseconds = int(moment.timestamp() * 1000)
    return "".join(CROCKFORD[milliseconds >> shift & 31] for shift in range(45, -1, -5))


def id_of(time: str, kind: str, n: int) -> str:
    """The ULID of a thing of that study; the database makes the same ones with its md5()."""
    return time + hashlib.md5(f"{kind}{n}".encode()).hexdigest()[:16].upper()


def people(archive: Archive) -> Iterator[Person]:
    """All patients."""
    begin = archive.now - timedelta(days=365 * YEARS)
    for p in range(archive.patients):
        family, given = FAMILY_NAMES[p % len(FAMILY_NAMES)], GIVEN_NAMES[p // len(FAMILY_NAMES) % len(GIVEN_NAMES)]
        born = date(1930, 1, 1) + timedelta(days=p * 7919 % 30_000)
        yield Person(
            id_of(stamp(begin), "patient", p), "local", f"P-{p:07d}", f"{family}^{given}", born, "FM"[p % 2], begin
        )
