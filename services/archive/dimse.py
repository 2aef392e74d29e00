"""An archive behind DIMSE as a source: C-FIND lists its studies, C-MOVE or C-GET hands them over (PS3.4 Annex C)."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, StoragePresentationContexts, build_role, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation

from pipelines.core.errors import SourceRefused, SourceUnavailable
from services.archive.arriving import SUCCESS, listening, quiet_entity, storage_entity
from services.archive.asked import ArchiveQuery
from services.archive.base import FetchedFile
from services.archive.days import DATE_FORMAT, Days, StudyFound, found_at, study_found
from services.archive.landing import Landing, read_once
from services.archive.pace import Pace
from services.known_archives import DimseArchive, Retrieve
from services.settings import OWNER_ONLY, Settings

#: PS3.4 C.6.2.3: Study Root Query/Retrieve Information Model.
FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"
GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"
#: PS3.4 Tables C.4-1, C.4-2, C.4-3.
CANCEL: Final = 0xFE00
PENDING: Final = frozenset({0xFF00, 0xFF01})
SOME_FAILED: Final = 0xB000
UNKNOWN_DESTINATION: Final = 0xA801
OUT_OF_RESOURCES: Final = range(0xA700, 0xA800)
#: PS3.8 9.3.4: result 1 of an A-ASSOCIATE-RJ is final.
REJECTED_PERMANENT: Final = 1
#: An association has room for 128 presentation contexts (PS3.8 9.3.2.2), one of which is the request's own.
GET_CONTEXTS: Final = 127
#: An answer with more studies than this is cancelled, and its days are asked for in halves.
ANSWER_STUDIES: Final = 500
#: Each study that is moved waits for the end of its listener.
POLL_SECONDS: Final = 0.05
NAMELESS: Final = "object.dcm"


class Dimse:
    """Studies of a DIMSE archive, see base.Source; a locator is the study date and the Study Instance UID."""

    def __init__(self, archive: DimseArchive, query: ArchiveQuery, settings: Settings) -> None:
        """Connects when the first question is asked; what is fetched waits in a folder of the spool."""
        self._archive = archive
        self._modality = query.modality
        self._settings = settings
        self._days = Days(self, query.first, query.last)
        self._pace = Pace(archive.requests_per_second)
        self._messages = 0

    def locators(self, after: str | None, limit: int) -> Sequence[str]:
        """See base.Source."""
        return self._days.locators(after, limit)

    def studies(self, first: date, last: date) -> Sequence[StudyFound] | None:
        """See days.StudyIndex."""
        wanted = _identifier(StudyDate=f"{first:{DATE_FORMAT}}-{last:{DATE_FORMAT}}", StudyInstanceUID="")
        wanted.ModalitiesInStudy = self._modality or ""
        entity = self._entity()
        entity.add_requested_context(FIND)
        found: list[StudyFound] = []
        with self._associated(entity) as association:
            number = self._number()
            answers = association.send_c_find(wanted, FIND, number)
            for status, answer in answers:
                code = _code(status)
                if code in OUT_OF_RESOURCES and first < last:
                    return None
                if code not in PENDING:
                    _check(code)
                elif answer is not None:
                    named = study_found(str(answer.get("StudyDate") or ""), str(answer.get("StudyInstanceUID") or ""))
                    found += [named] if named is not None else []
                if first < last and len(found) > ANSWER_STUDIES:
                    association.send_c_cancel(number, None, FIND)
                    deque(islice(answers, ANSWER_STUDIES), maxlen=0)  # what was on its way
                    return None
        return found

    def fetch(self, locator: str) -> Iterator[FetchedFile]:
        """See base.Source; the study's files are handed on as they arrive, each is removed once it was read."""
        uid = found_at(locator).uid
        self._settings.spool_dir.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._settings.spool_dir, ignore_cleanup_errors=True) as folder:
            landing = Landing(Path(folder), uid, self._settings.max_file_bytes)
            retrieve = self._moved if self._archive.retrieve is Retrieve.MOVE else self._got
            arrived = 0
            for _ in retrieve(uid, landing):
                while landing.arrived:
                    arrived += 1
                    yield FetchedFile(NAMELESS, read_once(landing.arrived.popleft()))
            if landing.error is not None:
                raise landing.error
            if not arrived:
                raise SourceRefused("the archive has no images of this study", code="source_gone")

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _moved(self, uid: str, landing: Landing) -> Iterator[None]:
        """C-MOVE to ourselves; a turn for each answer, the last one after everything has arrived."""
        ours = storage_entity(self._archive.calling_aet, self._archive.timeout_seconds)
        ours.require_called_aet = True
        asking = self._entity()
        asking.add_requested_context(MOVE)
        with _landing_at(ours, self._archive, landing), self._associated(asking) as association:
            wanted = _identifier(StudyInstanceUID=uid)
            for status, _ in association.send_c_move(wanted, self._archive.calling_aet, MOVE, self._number()):
                _check_retrieved(status)
                yield

    def _got(self, uid: str, landing: Landing) -> Iterator[None]:
        """C-GET over the association that asks; a turn for each answer."""
        entity = self._entity()
        entity.add_requested_context(GET)
        contexts = StoragePresentationContexts[:GET_CONTEXTS]
        for context in contexts:
            entity.add_requested_context(context.abstract_syntax or "", list(AllTransferSyntaxes))
        roles = [build_role(context.abstract_syntax or "", scp_role=True) for context in contexts]
        with self._associated(entity, landing.handlers(), roles) as association:
            for status, _ in association.send_c_get(_identifier(StudyInstanceUID=uid), GET, self._number()):
                _check_retrieved(status)
                yield

    def _entity(self) -> AE:
        entity = quiet_entity(self._archive.calling_aet, self._archive.timeout_seconds)
        entity.connection_timeout = self._archive.timeout_seconds
        return entity

    def _number(self) -> int:
        """Message ID of the next request (PS3.7 9.1.1.1.1, 16 bits)."""
        self._messages = self._messages % 0xFFFF + 1
        return self._messages

    @contextmanager
    def _associated(
        self,
        entity: AE,
        handlers: Sequence[evt.EventHandlerType] = (),
        roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    ) -> Iterator[Association]:
        """An association with the archive, released at the end, and aborted where that comes early.

        Raises SourceRefused, SourceUnavailable.
        """
        self._pace.wait()
        where = (self._archive.host, self._archive.port)
        association = entity.associate(
            *where, ae_title=self._archive.aet, ext_neg=[*roles], evt_handlers=list(handlers)
        )
        if not association.is_established:
            answer = association.acceptor.primitive
            if association.is_rejected and answer is not None and answer.result == REJECTED_PERMANENT:
                raise SourceRefused("the archive does not take our AE title, or not its own", code="source_credentials")
            raise SourceUnavailable
        is_done = False
        try:
            yield association
            is_done = True
        finally:
            if is_done:
                association.release()
            else:
                association.abort()


@contextmanager
def _landing_at(entity: AE, archive: DimseArchive, landing: Landing) -> Iterator[None]:
    """Our AE title, for the time of a C-MOVE. Raises SourceUnavailable where something else has the port."""
    with ExitStack() as stack:
        where = (archive.listen_host, archive.listen_port)
        try:
            stack.enter_context(listening(entity, where, landing.handlers(), POLL_SECONDS))
        except OSError as error:
            raise SourceUnavailable("the listen_port of the archive is in use", errno=error.errno) from error
        yield


def _identifier(**wanted: str) -> Dataset:
    """A study level identifier (PS3.4 C.6.2.1)."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    for keyword, value in wanted.items():
        setattr(identifier, keyword, value)
    return identifier


def _code(status: Dataset) -> int:
    """The status of an answer; raises SourceUnavailable where the association ended instead."""
    code = status.get("Status")
    if code is None:
        raise SourceUnavailable("the archive broke the association off")
    return int(code)


def _check(code: int) -> None:
    """Raise what a final status means, if not success: SourceRefused, SourceUnavailable."""
    if code == UNKNOWN_DESTINATION:
        raise SourceRefused("the archive does not know where our AE title is", code="source_credentials")
    if code in OUT_OF_RESOURCES or code == CANCEL:
        raise SourceUnavailable("the archive could not do what was asked", status=f"{code:#06x}")
    if code != SUCCESS:
        raise SourceRefused("the archive refuses the request", code="source_refused", status=f"{code:#06x}")


def _check_retrieved(status: Dataset) -> None:
    """As `_check`, where some of the objects may have failed: trying again brings the others as duplicates."""
    code = _code(status)
    if code == SOME_FAILED:
        failed = status.get("NumberOfFailedSuboperations", 0)
        raise SourceUnavailable("the archive could not hand over all images", failed=int(failed or 0))
    if code not in PENDING:
        _check(code)
