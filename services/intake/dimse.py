"""The DICOM listener: a storage SCP (PS3.4 Annex B) whose objects end in `receive`; a process of its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Final

from pydicom.dataset import Dataset
from pynetdicom import VerificationPresentationContexts, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE

from pipelines.core.errors import BadInput, DatabaseUnavailable, OverreadError, StorageFull
from services.archive.arriving import SUCCESS, Arriving, be_wary, listening, storage_entity
from services.log import logger
from services.settings import Settings
from services.store import closing
from services.store.session import unit_of_work
from services.store.stores import Store, open_store
from services.work.outcomes import FileOutcome, FileStatus, IntakeOptions
from services.work.receive import receive
from services.work.rejections import Refused, reject
from services.work.spool import Spool, SpoolWriter
from services.work.watermarks import admit, sound

log = logger("dimse")
#: Stored, but under another identity than the request said: PS3.4 Table B.2-1, "Data Set does not match SOP Class".
ANOTHER_OBJECT: Final = 0xB007
SOURCE: Final = "dimse"
#: How the names of all senders begin in the audit; their AE title follows.
SENDERS: Final = "dimse:"
NAMELESS: Final = "object"
COMMENT_CHARACTERS: Final = 64  # (0000,0902) Error Comment is LO
#: How often studies are looked at whose association ended while the database was away.
LET_GO_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.5


@dataclass
class Sending:
    """One sender's association: its place in the spool, what arrives, and the studies it brought images of."""

    actor: str
    spool: Spool
    arriving: Arriving[SpoolWriter]
    opened: ExitStack
    studies: set[str] = field(default_factory=set)
    stored: int = 0
    refused: int = 0
    #: The network thread may end an association while an object of it is still being stored.
    lock: Lock = field(default_factory=Lock)


class Listener:
    """Takes associations and stores what they bring; studies are held open until their association has ended."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Nothing listens yet."""
        self._store = store
        self._settings = settings
        self._sendings: dict[Association, Sending] = {}
        self._unheld: set[str] = set()
        self._lock = Lock()
        self._entity = storage_entity(settings.dimse_aet, settings.dimse_idle_seconds)
        for context in VerificationPresentationContexts:
            self._entity.add_supported_context(context.abstract_syntax or "", context.transfer_syntax)
        self._entity.maximum_associations = settings.dimse_max_associations
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = [one.strip() for one in settings.dimse_callers.split(",") if one.strip()]

    @contextmanager
    def listening(self, host: str, port: int) -> Iterator[int]:
        """Take associations for the time of the block; then abort what is open and let go of every study.

        Studies that a listener held open when it was killed are let go of first. Port 0 takes a free one; gives the
        port. Raises OSError.
        """
        self._let_go_of_earlier()
        handlers: list[evt.EventHandlerType] = [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_PDU_RECV, self._pdu),
            (evt.EVT_DIMSE_RECV, self._message),
            (evt.EVT_C_STORE, self._store_object),
            (evt.EVT_CONN_CLOSE, self._ended),
        ]
        try:
            with listening(self._entity, (host, port), handlers, POLL_SECONDS) as taken:
                yield taken
        finally:
            for association in list(self._sendings):
                self._end(association)
            self.let_go()

    def let_go(self) -> None:
        """Have the studies of ended associations close after the quiet time; those that fail are tried next time."""
        with self._lock:
            waiting, self._unheld = self._unheld, set()
        for study_id in sorted(waiting):
            try:
                with unit_of_work(self._store.database) as session:
                    closing.let_go(session, study_id)
            except DatabaseUnavailable:
                with self._lock:
                    self._unheld.add(study_id)

    def _let_go_of_earlier(self) -> None:
        """No association outlives its listener. Where another one still receives, its next image holds again."""
        with suppress(DatabaseUnavailable):  # then they close as those of any sender that never came back
            with unit_of_work(self._store.database, writing=False) as session:
                earlier = closing.held_by(session, SENDERS)
            with self._lock:
                self._unheld |= set(earlier)
            self.let_go()

    def _opened(self, event: evt.Event) -> None:
        be_wary(event)
        spool, opened = Spool(self._settings, self._store.blobs.quota), ExitStack()

        def begin() -> SpoolWriter:
            if not spool.folder.exists():
                opened.enter_context(spool)
            spool.check_room()
            return spool.begin(NAMELESS)

        arriving = Arriving(begin, self._settings.max_file_bytes)
        self._sendings[event.assoc] = Sending("", spool, arriving, opened)

    def _pdu(self, event: evt.Event) -> None:
        if event.assoc in self._sendings:
            self._sendings[event.assoc].arriving.on_pdu(event)

    def _message(self, event: evt.Event) -> None:
        if event.assoc in self._sendings:
            self._sendings[event.assoc].arriving.on_message(event)

    def _store_object(self, event: evt.Event) -> Dataset:
        """EVT_C_STORE: the answer goes out when the object is durable and its row is written, or is refused."""
        sending, request = self._sendings[event.assoc], event.request
        assert isinstance(request, C_STORE)  # what this event is about
        sending.actor = f"{SENDERS}{event.assoc.requestor.ae_title.strip()}"
        with sending.lock:
            try:
                outcome = self._receive(sending, request.MessageID or 0)
            except OverreadError as error:
                sending.refused += 1
                if isinstance(error, StorageFull):
                    sound(self._store, error)
                return _status(error.dimse_status, error.code)
            if outcome.study_id is not None:
                sending.studies.add(outcome.study_id)
        if outcome.status is FileStatus.REJECTED:
            sending.refused += 1
            return _status(BadInput.dimse_status, outcome.code)
        sending.stored += 1
        if outcome.sop_instance_uid != request.AffectedSOPInstanceUID:
            return _status(ANOTHER_OBJECT, "another_object")
        return _status(SUCCESS)

    def _receive(self, sending: Sending, message_id: int) -> FileOutcome:
        """Raises OverreadError where the object could not be written, or cannot be stored at the moment."""
        try:
            file = sending.arriving.take(message_id).finish()
        except BadInput as error:
            reject(self._store, self._settings, [Refused(error)], sending.actor, SOURCE)
            raise
        try:
            admit(self._store, self._settings)
            return receive(self._store, self._settings, file, IntakeOptions(SOURCE, hold=True), sending.actor)
        finally:
            file.path.unlink(missing_ok=True)

    def _ended(self, event: evt.Event) -> None:
        self._end(event.assoc)
        self.let_go()

    def _end(self, association: Association) -> None:
        sending = self._sendings.pop(association, None)
        if sending is None:
            return
        with sending.lock:
            sending.arriving.close()
            sending.opened.close()
        with self._lock:
            self._unheld |= sending.studies
        log.info("dimse.ended", actor=sending.actor, stored=sending.stored, refused=sending.refused)


def _status(status: int, comment: str | None = None) -> Dataset:
    answer = Dataset()
    answer.Status = status
    if comment is not None:
        answer.ErrorComment = comment[:COMMENT_CHARACTERS]
    return answer


def run_listener(settings: Settings) -> None:
    """Listen on `dimse_host` and `dimse_port` until SIGTERM or SIGINT. Raises OSError where the port is taken."""
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    store = open_store(settings)
    listener = Listener(store, settings)
    try:
        with listener.listening(settings.dimse_host, settings.dimse_port):
            while not stopping.wait(LET_GO_SECONDS):
                listener.let_go()
    finally:
        store.close()
