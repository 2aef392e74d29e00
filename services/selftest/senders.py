"""The senders of a run: they send as hospitals do, twice, late, cut off, and repeat until they are answered."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from threading import Lock, Thread
from types import TracebackType
from typing import Final, Self

import httpx

from pipelines.selftest_words import Act, Word, instance_uid, selftest_object
from services.selftest.asking import BROKEN, PAUSE_SECONDS, Asker, GaveUp
from services.selftest.ledger import Ledger
from services.selftest.plan import Visit, VisitKind

SENDERS: Final = 4
_MOST_KEYS: Final = 100
#: Mikael Häggström, "Fundus photograph of normal left eye", CC0; shipped by scikit-image.
RETINA: Final = files("skimage") / "data" / "retina.jpg"
_LATE_SECONDS: Final = 0.7
_CANCEL_SECONDS: Final = 3.0


class Cut(Exception):
    """The sender's own connection broke."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request: its body, what that is, and the hashes of its files by SOP Instance UID or name."""

    content: bytes
    media_type: str
    hashes: Mapping[str, str]
    query: Mapping[str, str]


class Senders:
    """Threads that send a plan's visits at their times; at the end of the block all is answered or given up."""

    def __init__(self, asker: Asker, ledger: Ledger, visits: Sequence[Visit]) -> None:
        """Nothing is sent yet."""
        self._asker = asker
        self._ledger = ledger
        self._visits = iter(visits)
        self._lock = Lock()
        self._begin = time.monotonic()
        self._threads = [Thread(target=self._send_all, name=f"sender-{at}", daemon=True) for at in range(SENDERS)]

    def __enter__(self) -> Self:
        self._begin = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for thread in self._threads:
            thread.join()

    def _next(self) -> Visit | None:
        with self._lock:
            return next(self._visits, None)

    def _send_all(self) -> None:
        while (visit := self._next()) is not None:
            time.sleep(max(0.0, self._begin + visit.at - time.monotonic()))
            self._ledger.begin(visit)
            try:
                self._send(visit)
            except GaveUp:
                continue
            self._ledger.end(visit)

    def _send(self, visit: Visit) -> None:
        parcels = make_parcels(visit)
        late = [parcels.pop()] if visit.kind is VisitKind.LATE and len(parcels) > 1 else []
        studies = [study for at, parcel in enumerate(parcels) for study in self._submit(visit, parcel, at)]
        jobs = [job for study in dict.fromkeys(studies) for job in self._complete(study)]
        if visit.kind is VisitKind.DUPLICATE:
            self._submit(visit, parcels[0], len(parcels))
        if visit.kind is VisitKind.CANCEL:
            for job in jobs:
                self._cancel(job)
        for parcel in late:
            time.sleep(_LATE_SECONDS)
            for study in self._submit(visit, parcel, len(parcels)):
                self._complete(study)

    def _submit(self, visit: Visit, parcel: Parcel, number: int) -> list[str]:
        """Send one request until it is answered; the ids of its studies."""
        keys = [f"{visit.name}-{number}-{again}" for again in range(_MOST_KEYS)]
        if visit.kind is VisitKind.CUT:
            self._cut_off(parcel, keys[0])
        answer = self._asker.ask(lambda key: self._post(parcel, parcel.content, key), iter(keys))
        self._ledger.acknowledge(visit, parcel.hashes, answer["received"])
        return [study["id"] for study in answer["studies"]]

    def _post(self, parcel: Parcel, content: bytes | Iterator[bytes], key: str) -> httpx.Response:
        headers = {"Content-Type": parcel.media_type, "Idempotency-Key": key}
        return self._asker.http.post("/studies", params=dict(parcel.query), content=content, headers=headers)

    def _cut_off(self, parcel: Parcel, key: str) -> None:
        """Send half a body and break the connection."""

        def half() -> Iterator[bytes]:
            yield parcel.content[: len(parcel.content) // 2]
            raise Cut

        try:
            self._post(parcel, half(), key)
        except (Cut, httpx.TransportError):
            self._ledger.note(BROKEN)

    def _complete(self, study_id: str) -> list[str]:
        """Close a study; the ids of its jobs."""
        jobs: list[str] = self._asker.post(f"/studies/{study_id}/complete")["jobs"]
        return jobs

    def _cancel(self, job_id: str) -> None:
        """Cancel a job while it runs, if it begins to soon enough; one that has ended says so."""
        until = time.monotonic() + _CANCEL_SECONDS
        while time.monotonic() < until and self._asker.get(f"/jobs/{job_id}")["state"] == "queued":
            time.sleep(PAUSE_SECONDS)
        self._asker.post(f"/jobs/{job_id}/cancel")


def make_parcels(visit: Visit) -> list[Parcel]:
    """The requests that a visit consists of."""
    if visit.kind is VisitKind.PHOTOGRAPH:
        return [_photograph(visit)]
    objects = make_objects(visit)
    if visit.kind is VisitKind.ARCHIVE:
        return [_archive(objects)]
    return [
        Parcel(content, "application/dicom", {uid: _sha256(content)}, {"pipeline": "selftest"})
        for uid, content in objects.items()
    ]


def make_objects(visit: Visit) -> dict[str, bytes]:
    """The visit's DICOM files by SOP Instance UID; the first one carries its word."""
    words = [visit.word] + [Word(Act.SUCCEED)] * (visit.images - 1)
    if visit.kind is VisitKind.LATE:
        words.append(Word(Act.SUCCEED))
    made = [selftest_object(word, visit.name, number) for number, word in enumerate(words, start=1)]
    return {instance_uid(visit.name, number): content for number, content in enumerate(made, start=1)}


def _archive(objects: Mapping[str, bytes]) -> Parcel:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, content in enumerate(objects.values(), start=1):
            archive.writestr(zipfile.ZipInfo(f"{number}.dcm"), content)
    hashes = {uid: _sha256(content) for uid, content in objects.items()}
    return Parcel(packed.getvalue(), "application/zip", hashes, {"pipeline": "selftest"})


def _photograph(visit: Visit) -> Parcel:
    """The photograph with a comment of the visit's own (JPEG marker COM, ITU-T T.81 B.2.4.5), so that it is another."""
    comment = visit.name.encode()
    picture = RETINA.read_bytes()
    content = picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + picture[2:]
    name, boundary = "photograph_L.jpg", "selftest"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    media_type = f"multipart/form-data; boundary={boundary}"
    return Parcel(
        body, media_type, {name: _sha256(content)}, {"laterality": "L", "patient_id": f"SELFTEST {visit.name}"}
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
