"""A DIMSE archive in this process: C-FIND at study level, C-MOVE and C-GET."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import OphthalmicPhotography8BitImageStorage
from pynetdicom import evt

from services.archive.arriving import listening, quiet_entity
from services.archive.dimse import FIND, GET, MOVE

PENDING, SUCCESS, UNKNOWN_DESTINATION, OUT_OF_RESOURCES = 0xFF00, 0x0000, 0xA801, 0xA700


@dataclass
class FakeDimse:
    """What it holds, and how it behaves."""

    studies: dict[str, str]  # Study Instance UID -> study date
    objects: dict[str, list[bytes]] = field(default_factory=dict)
    destination: int = 0  # port of the AE title it moves to; 0: it knows none
    most: int = 10_000  # more studies than this in one answer are out of resources
    find_status: int = SUCCESS
    callers: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        """Newest first: archives promise no order."""
        self.asked.append(f"{event.identifier.StudyDate} {event.identifier.ModalitiesInStudy}".strip())
        first, last = event.identifier.StudyDate.split("-")
        found = sorted(((day, uid) for uid, day in self.studies.items() if first <= day <= last), reverse=True)
        if self.find_status != SUCCESS or len(found) > self.most:
            yield self.find_status or OUT_OF_RESOURCES, None
            return
        for day, uid in found:
            if event.is_cancelled:
                yield 0xFE00, None
                return
            answer = Dataset()
            answer.QueryRetrieveLevel, answer.StudyDate, answer.StudyInstanceUID = "STUDY", day, uid
            yield PENDING, answer

    def move(self, event: evt.Event) -> Iterator[object]:
        """To the only destination there is."""
        if not self.destination:
            yield None, None
            return
        yield "127.0.0.1", self.destination
        yield from self.get(event)

    def get(self, event: evt.Event) -> Iterator[object]:
        """How many there are, then each."""
        held = self.objects.get(event.identifier.StudyInstanceUID, [])
        yield len(held)
        for one in held:
            yield PENDING, dcmread(BytesIO(one))


@contextmanager
def serving(archive: FakeDimse) -> Iterator[FakeDimse]:
    """The archive at its `port`, as ARCHIVE."""
    entity = quiet_entity("ARCHIVE", 5.0)
    entity.require_calling_aet = list(archive.callers)
    for model in (FIND, MOVE, GET):
        entity.add_supported_context(model)
    # C-GET: the one who asks is the one who stores (PS3.7 D.3.3.4).
    entity.add_supported_context(OphthalmicPhotography8BitImageStorage, scu_role=False, scp_role=True)
    entity.add_requested_context(OphthalmicPhotography8BitImageStorage)
    handlers: list[evt.EventHandlerType] = [
        (evt.EVT_C_FIND, archive.find),
        (evt.EVT_C_MOVE, archive.move),
        (evt.EVT_C_GET, archive.get),
    ]
    with listening(entity, ("127.0.0.1", 0), handlers, 0.01) as port:
        archive.port = port
        yield archive
