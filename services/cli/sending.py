"""Sends parcels to a running Overread, several at a time, and keeps account of what arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.core.errors import BadRequest
from services.cli.client import Document, Service
from services.cli.console import progress_bar
from services.cli.journal import Journal
from services.cli.parcels import Letter, Parcel

Fields = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sender states beside the files; None and empty are not sent, so that the service decides."""

    patient_id: str | None = None
    study_uid: str | None = None
    priority: str = "routine"
    pipeline: str | None = None
    sides: Mapping[Path, str] = field(default_factory=dict)
    moments: Mapping[Path, str] = field(default_factory=dict)

    def fields(self, parcel: Parcel) -> Fields:
        """What is said of a parcel, as the contract names it."""
        fields: Fields = {"complete": "no", "priority": self.priority}
        if self.pipeline:
            fields["pipeline"] = self.pipeline
        # DICOM files in the same parcel say themselves whose they are, and the service listens to them.
        if self.patient_id:
            fields["patient_id"] = self.patient_id
        if self.study_uid:
            fields["study_uid"] = self.study_uid
        if parcel.are_photographs and self.sides:
            fields["laterality"] = [self.sides[letter.path] for letter in parcel.letters]
        if parcel.are_photographs and self.moments:
            fields["acquired"] = [self.moments[letter.path] for letter in parcel.letters]
        return fields


@dataclass
class Delivery:
    """What has arrived so far."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[Document] = field(default_factory=list)

    def add(self, answer: Document) -> None:
        """Count the files of one answer and keep what was refused."""
        for file in answer["received"]:
            self.counts[file["status"]] += 1
            if file["status"] == "rejected":
                self.refused.append({"name": file["name"], "code": file["code"], "detail": file["detail"]})

    @property
    def kept(self) -> int:
        """How many files the service holds, from now or from before."""
        return self.counts.total() - self.counts["rejected"]


def of_photographs(letters: Sequence[Letter], stated: Sequence[str], option: str) -> dict[Path, str]:
    """What is stated of photographs: once for all of them, or once for each in their order; empty where nothing is.

    Raises BadRequest, which names the option, where their numbers differ.
    """
    photographs = [letter.path for letter in letters if letter.is_photograph]
    if len(stated) == 1:
        return dict.fromkeys(photographs, stated[0])
    if stated and len(stated) != len(photographs):
        raise BadRequest(f"{option} is given once, or once for each photograph", photographs=len(photographs))
    return dict(zip(photographs, stated, strict=False))


def send_all(service: Service, parcels: Sequence[Parcel], wishes: Wishes, journal: Journal, parallel: int) -> Delivery:
    """Send every parcel; what arrived is in the journal even where a later one fails.

    Raises the first error that ends it all: no answer, no room, no permission.
    """
    delivery = Delivery()
    with progress_bar() as progress, ThreadPoolExecutor(parallel) as pool:
        bar = progress.add_task("sending", total=sum(len(parcel.letters) for parcel in parcels))
        under_way = {pool.submit(_send, service, parcel, wishes): parcel for parcel in parcels}
        try:
            for sent in as_completed(under_way):
                answer, parcel = sent.result(), under_way[sent]
                delivery.add(answer)
                journal.add(parcel.letters, [study["id"] for study in answer["studies"]])
                progress.advance(bar, len(parcel.letters))
        except BaseException:
            # Those not begun are dropped; those under way end, since the service keeps what it has received.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return delivery


def _send(service: Service, parcel: Parcel, wishes: Wishes) -> Document:
    return service.send([letter.path for letter in parcel.letters], wishes.fields(parcel))
