"""Objects that come over an association by C-STORE, written away piece by piece while they come."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import Final, Generic, Protocol, TypeVar

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID, AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, _config, evt
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ, DIMSEMessage
from pynetdicom.transport import AssociationSocket, ThreadedAssociationServer

from pipelines.core.errors import BadInput, BodyTooLarge, OverreadError, Unavailable
from pipelines.core.receipt import derived_uid
from services.settings import MEBIBYTE

SUCCESS: Final = 0x0000  # PS3.7 Annex C.1.1
#: What we ask senders to put into one PDU; larger ones save rounds through Python. DCMTK sends at most 128 KiB.
PDU_BYTES: Final = 256 * 1024
#: A longer PDU is no honest one: a length field can say 4 GiB (PS3.8 9.3.5), and all of it would be held.
LONGEST_PDU: Final = MEBIBYTE
#: How long an aborted association may take to end what it does.
LAST_WORD_SECONDS: Final = 10.0
#: A command set, or a data set that is not stored, stays far below this.
LONGEST_MESSAGE: Final = MEBIBYTE
#: tcp(7) TCP_QUICKACK; the kernel forgets it after a while, so that it is asked again for each piece.
QUICK_ACKNOWLEDGEMENT: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)
_PREAMBLE: Final = b"\0" * 128 + b"DICM"  # PS3.10 7.1
#: The same as in the objects that we make of photographs. Constant: an object sent twice must give the same bytes.
_IMPLEMENTATION: Final = UID(derived_uid("overread"))
_IMPLEMENTATION_NAME: Final = "OVERREAD"


class Sink(Protocol):
    """Where one object is written to."""

    def write(self, data: bytes) -> None:
        """Append; raises StorageFull."""

    def discard(self) -> None:
        """Forget what was written."""


AnySink = TypeVar("AnySink", bound=Sink)


@dataclass
class _Coming(Generic[AnySink]):
    """One object; after an error the rest of it is dropped as it comes."""

    sink: AnySink | None
    bytes: int = 0
    error: OverreadError | None = None


class Arriving(Generic[AnySink]):
    """The objects of one association: each goes into a sink of its own, at most two PDUs of it are in memory.

    `on_pdu` and `on_message` are called by the association's network thread, in which all writing happens.
    """

    def __init__(self, begin: Callable[[], AnySink], max_bytes: int) -> None:
        """`begin` opens a sink, and may raise OverreadError; an object past `max_bytes` is refused."""
        self._begin = begin
        self._max_bytes = max_bytes
        self._current: _Coming[AnySink] | None = None
        self._whole: dict[int, _Coming[AnySink]] = {}

    def on_pdu(self, event: evt.Event) -> None:
        """EVT_PDU_RECV: write away what the PDUs before this one brought."""
        message = event.assoc.dimse.message
        if message is None:
            return
        if isinstance(message, C_STORE_RQ):
            self._drain(message, event.assoc)
        elif _length(message) > LONGEST_MESSAGE:
            event.assoc.abort()

    def on_message(self, event: evt.Event) -> None:
        """EVT_DIMSE_RECV: a message is whole."""
        message = event.message
        if isinstance(message, C_STORE_RQ):
            coming = self._drain(message, event.assoc)
            self._current = None
            self._forget(self._whole.pop(message.command_set.MessageID, None))
            self._whole[message.command_set.MessageID] = coming

    def take(self, message_id: int) -> AnySink:
        """The object of a C-STORE request. Raises what kept it from being written: StorageFull, BodyTooLarge ..."""
        coming = self._whole.pop(message_id)
        if coming.error is not None:
            raise coming.error
        assert coming.sink is not None  # either of the two
        return coming.sink

    def close(self) -> None:
        """Forget what never became whole or was never asked for."""
        for coming in (self._current, *self._whole.values()):
            self._forget(coming)
        self._current = None
        self._whole.clear()

    def _drain(self, message: DIMSEMessage, association: Association) -> _Coming[AnySink]:
        """Move what a message holds of its data set into the sink."""
        if self._current is None:
            self._current = self._start(message, association)
        coming, data = self._current, message.data_set
        if data is not None and data.tell():
            if coming.sink is not None:
                self._write(coming, coming.sink, data.getvalue())
            data.seek(0)
            data.truncate()
        return coming

    def _start(self, message: DIMSEMessage, association: Association) -> _Coming[AnySink]:
        coming: _Coming[AnySink] = _Coming(None)
        try:
            head = _head(message, association)
            coming.sink = self._begin()
            self._write(coming, coming.sink, head)
        except OSError:
            coming.error = Unavailable("the object cannot be written at the moment")
        except OverreadError as error:
            coming.error = error
        return coming

    def _write(self, coming: _Coming[AnySink], sink: AnySink, data: bytes) -> None:
        try:
            sink.write(data)
            coming.bytes += len(data)
            if coming.bytes > self._max_bytes:
                raise BodyTooLarge("the file is past the limit", code="file_too_large", limit=self._max_bytes)
        except OSError:
            coming.error = Unavailable("the object cannot be written at the moment")
        except OverreadError as error:
            coming.error = error
        if coming.error is not None:
            self._forget(coming)

    def _forget(self, coming: _Coming[AnySink] | None) -> None:
        if coming is not None and coming.sink is not None:
            coming.sink.discard()
            coming.sink = None


def _length(message: DIMSEMessage) -> int:
    return message.encoded_command_set.tell() + (message.data_set.tell() if message.data_set is not None else 0)


def _head(message: DIMSEMessage, association: Association) -> bytes:
    """What makes a file of a data set: preamble, prefix and file meta information (PS3.10 7.1). Raises BadInput."""
    syntaxes = [one.transfer_syntax[0] for one in association.accepted_contexts if one.context_id == message.context_id]
    sop_class = message.command_set.get("AffectedSOPClassUID")
    sop_instance = message.command_set.get("AffectedSOPInstanceUID")
    if not (syntaxes and sop_class and sop_instance):
        raise BadInput("the request does not say what it stores", code="bad_store_request")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = sop_instance
    meta.TransferSyntaxUID = syntaxes[0]
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = _IMPLEMENTATION_NAME
    encoded = DicomBytesIO()
    write_file_meta_info(encoded, meta)
    return _PREAMBLE + encoded.getvalue()


class WaryAssociationSocket(AssociationSocket):
    """A peer's connection that bounds what one PDU may bring, and acknowledges at once what it brought.

    Many senders write a PDU in two pieces and hold the second back until the first is acknowledged, which the kernel
    puts off by up to 40 ms where nobody asks it not to.
    """

    def recv(self, nr_bytes: int) -> bytearray:
        """So many bytes, fewer where the peer closed; raises OSError where they are too many or do not come."""
        if nr_bytes > LONGEST_PDU:
            raise OSError("a PDU longer than any that was agreed on")
        assert self.socket is not None  # the caller has found it ready
        if QUICK_ACKNOWLEDGEMENT is not None:
            self.socket.setsockopt(socket.IPPROTO_TCP, QUICK_ACKNOWLEDGEMENT, 1)
        data = bytearray(nr_bytes)
        got = 0
        with memoryview(data) as view:
            while got < nr_bytes and (read := self.socket.recv_into(view[got:])):
                got += read
        return data[:got]


def be_wary(event: evt.Event) -> None:
    """EVT_CONN_OPEN: read from this connection as WaryAssociationSocket does, and wait no longer than for a message."""
    opened = event.assoc.dul.socket
    if opened is not None and opened.socket is not None:
        opened.socket.settimeout(event.assoc.network_timeout)
        # There is no way to hand pynetdicom a socket of another class, and this one has no state of its own.
        opened.__class__ = WaryAssociationSocket


def quiet_entity(aet: str, idle_seconds: float) -> AE:
    """An application entity that logs nothing: pynetdicom logs identifiers of requests unless it is told not to."""
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    entity = AE(aet)
    entity.maximum_pdu_size = PDU_BYTES
    entity.network_timeout = entity.dimse_timeout = entity.acse_timeout = idle_seconds
    return entity


def storage_entity(aet: str, idle_seconds: float) -> AE:
    """A quiet entity that takes every standard storage SOP class in every transfer syntax."""
    entity = quiet_entity(aet, idle_seconds)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax or "", AllTransferSyntaxes)
    return entity


@contextmanager
def listening(
    entity: AE, where: tuple[str, int], handlers: Sequence[evt.EventHandlerType], poll_seconds: float
) -> Iterator[int]:
    """Have an entity take associations in threads of its own for the time of the block; gives the port.

    Port 0 takes a free one. Being asked to stop is noticed after `poll_seconds`. Raises OSError.
    """
    server = entity.make_server(where, evt_handlers=list(handlers), server_class=ThreadedAssociationServer)
    Thread(target=server.serve_forever, args=(poll_seconds,), name="dimse", daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        # The last thing it does is to strike itself off a list that only servers with the usual half second stand on.
        with suppress(ValueError):
            server.shutdown()
        associations = entity.active_associations
        entity.shutdown()
        # An aborted association may be in the middle of a transaction, whose connection must not outlive the store.
        for association in associations:
            association.join(LAST_WORD_SECONDS)
