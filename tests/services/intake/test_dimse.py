"""The DICOM listener, in front of a real store, with real associations."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, OphthalmicPhotography8BitImageStorage, generate_uid
from pynetdicom import AE, VerificationPresentationContexts, _config
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from sqlalchemy import select

from pipelines.core.errors import DatabaseUnavailable
from services.intake import dimse
from services.intake.dimse import Listener
from services.settings import Settings
from services.store import audit, closing
from services.store.session import unit_of_work
from services.store.states import StudyState
from services.store.stores import Store
from services.store.tables import AuditRow, Instance, Rejection, Study
from services.work.close import close_quiet
from tests.services.archives import Rung
from tests.services.intake.conftest import Sender, dicom, statuses

SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND, ANOTHER_OBJECT = 0x0000, 0xA700, 0xC000, 0xB007
VERIFICATION = VerificationPresentationContexts[0].abstract_syntax or ""
WAIT_SECONDS = 60.0


@dataclass
class Listening:
    """A listener, and what a modality does with it."""

    port: int
    store: Store
    settings: Settings
    listener: Listener

    @contextmanager
    def sending(
        self, aet: str = "CT1", called: str = "OVERREAD", syntax: str = ExplicitVRLittleEndian
    ) -> Iterator[Association]:
        """An association of a modality."""
        modality = AE(aet)
        modality.add_requested_context(OphthalmicPhotography8BitImageStorage, syntax)
        modality.add_requested_context(VERIFICATION)
        association = modality.associate("127.0.0.1", self.port, ae_title=called)
        try:
            yield association
        finally:
            association.release()

    def send(self, *files: bytes, aet: str = "CT1") -> list[int]:
        """The statuses that a modality gets for its objects."""
        with self.sending(aet) as association:
            return [association.send_c_store(dataset(file)).Status for file in files]

    def rows(self, table: type[Instance] | type[Rejection] | type[Study] | type[AuditRow]) -> Sequence[object]:
        """All rows of a table, oldest first."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(table).order_by(table.id)).all()

    def study(self) -> Study:
        """The only study."""
        [study] = self.rows(Study)
        assert isinstance(study, Study)
        return study


ListensWith = Callable[..., Listening]


@pytest.fixture
def listens_with(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[ListensWith]:
    """Starts listeners with some settings changed."""
    monkeypatch.setattr(_config, "LOG_REQUEST_IDENTIFIERS", True)
    monkeypatch.setattr(dimse, "POLL_SECONDS", 0.01)
    with ExitStack() as stack:

        def start(**changes: object) -> Listening:
            changed = settings.model_copy(update=changes)
            listener = Listener(store, changed)
            return Listening(stack.enter_context(listener.listening("127.0.0.1", 0)), store, changed, listener)

        yield start


@pytest.fixture
def listening(listens_with: ListensWith) -> Listening:
    """A listener with its usual settings."""
    return listens_with()


def dataset(file: bytes) -> Dataset:
    """An object as a modality holds it."""
    return dcmread(BytesIO(file))


def until(happens: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_object_is_stored_with_the_sender_as_actor(listening: Listening) -> None:
    assert listening.send(dicom(), aet="FUNDUS 2") == [SUCCESS]
    assert len(listening.rows(Instance)) == 1
    assert "dimse:FUNDUS 2" in {event.actor for event in listening.rows(AuditRow) if isinstance(event, AuditRow)}


def test_an_object_sent_twice_is_stored_once(listening: Listening) -> None:
    file = dicom()
    assert listening.send(file) + listening.send(file) == [SUCCESS, SUCCESS]
    assert len(listening.rows(Instance)) == 1


def test_success_is_said_when_the_row_is_there(listening: Listening) -> None:
    with listening.sending() as association:
        association.send_c_store(dataset(dicom()))
        assert len(listening.rows(Instance)) == 1


def test_a_compressed_object_keeps_its_transfer_syntax(listening: Listening) -> None:
    made = dataset(dicom())
    made.file_meta.TransferSyntaxUID = JPEG2000
    made.PixelData = encapsulate([b"\xff\x4f\xff\x51"])
    made["PixelData"].is_undefined_length = True
    with listening.sending(syntax=JPEG2000) as association:
        assert association.send_c_store(made).Status == SUCCESS
    [instance] = listening.rows(Instance)
    assert isinstance(instance, Instance)
    assert instance.transfer_syntax == JPEG2000


def test_the_bytes_do_not_depend_on_who_sends_them(listening: Listening) -> None:
    made = dataset(dicom())
    made.file_meta.ImplementationVersionName = "ANOTHER"
    assert listening.send(dicom(**{e.keyword: e.value for e in made if e.keyword}), aet="A") == [SUCCESS]
    with listening.sending("B") as association:
        association.send_c_store(made)
    # One file: what differs in its bytes alone would be known as one object as well, but only once it was compared.
    assert [one.content_sha256 for one in listening.rows(Instance) if isinstance(one, Instance)] == [None]


def test_an_object_that_came_by_http_before_is_a_duplicate(listening: Listening, sender: Sender) -> None:
    file = dicom()
    assert statuses(sender.send(("a", file))) == ["stored"]
    assert listening.send(file) == [SUCCESS]
    assert [(one.conflict, one.flag) for one in sender.instances()] == [(False, None)]
    assert listening.rows(AuditRow)[-1].actor == "dimse:CT1"  # type: ignore[attr-defined]


def test_a_study_is_held_open_until_its_association_ends(listening: Listening) -> None:
    with listening.sending() as association:
        association.send_c_store(dataset(dicom()))
        assert listening.study().hold
    until(lambda: not listening.study().hold)


def test_a_study_closes_after_the_quiet_time_behind_its_association(listening: Listening) -> None:
    at_once = listening.settings.model_copy(update={"quiet_seconds": 0.0})
    with listening.sending() as association:
        association.send_c_store(dataset(dicom()))
        assert not close_quiet(listening.store, Rung(), at_once)
    until(lambda: not listening.study().hold)
    close_quiet(listening.store, Rung(), at_once)
    assert listening.study().state == StudyState.COMPLETE


def test_a_study_whose_sender_aborts_is_let_go_too(listening: Listening) -> None:
    with listening.sending() as association:
        association.send_c_store(dataset(dicom()))
        association.abort()
    until(lambda: not listening.study().hold)


def test_what_a_killed_listener_held_open_the_next_one_lets_go(listens_with: ListensWith) -> None:
    killed = listens_with()
    with killed.sending() as association:
        association.send_c_store(dataset(dicom()))
        listens_with()
        assert not killed.study().hold


def test_what_another_sender_holds_open_a_new_listener_leaves(listens_with: ListensWith) -> None:
    listening = listens_with()
    with listening.sending() as association:
        association.send_c_store(dataset(dicom()))
        with unit_of_work(listening.store.database) as session:
            audit.record(session, "key:scanner", closing.RECEIVED, listening.study().id)
        listens_with()
        assert listening.study().hold


def test_a_study_is_let_go_once_the_database_is_back(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(closing, "let_go", away)
    listening.send(dicom())
    until(lambda: not list(listening.settings.spool_dir.iterdir()))
    assert listening.study().hold
    monkeypatch.undo()
    listening.listener.let_go()
    assert not listening.study().hold


def test_what_is_no_usable_image_is_refused_and_noted(listening: Listening) -> None:
    assert listening.send(dicom(SeriesInstanceUID=None)) == [CANNOT_UNDERSTAND]
    [refused] = listening.rows(Rejection)
    assert isinstance(refused, Rejection)
    assert (refused.code, refused.source) == ("missing_uid", "dimse")


def test_the_refusal_tells_the_code_and_nothing_of_the_object(listening: Listening) -> None:
    with listening.sending() as association:
        assert association.send_c_store(dataset(dicom(SeriesInstanceUID=None))).ErrorComment == "missing_uid"


def test_an_object_past_the_limit_is_refused(listens_with: ListensWith) -> None:
    assert listens_with(max_file_bytes=300).send(dicom()) == [CANNOT_UNDERSTAND]


def test_a_full_disk_is_out_of_resources(listens_with: ListensWith) -> None:
    listening = listens_with(disk_reserve_bytes=2**62)
    assert listening.send(dicom(), dicom()) == [OUT_OF_RESOURCES, OUT_OF_RESOURCES]
    assert not listening.rows(Instance)


def test_an_absent_database_is_out_of_resources(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(dimse, "receive", away)
    assert listening.send(dicom()) == [OUT_OF_RESOURCES]


def test_an_object_of_another_identity_than_announced_is_stored_with_a_warning(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = dataset(dicom())
    with listening.sending() as association:
        send = association.dimse.send_msg

        def send_confused(request: C_STORE, number: int) -> None:
            request.AffectedSOPInstanceUID = generate_uid()
            send(request, number)

        monkeypatch.setattr(association.dimse, "send_msg", send_confused)
        assert association.send_c_store(made).Status == ANOTHER_OBJECT
    [instance] = listening.rows(Instance)
    assert isinstance(instance, Instance)
    assert instance.sop_instance_uid == made.SOPInstanceUID


def test_an_echo_is_answered(listening: Listening) -> None:
    with listening.sending() as association:
        assert association.send_c_echo().Status == SUCCESS


def test_another_called_title_is_rejected(listening: Listening) -> None:
    with listening.sending(called="SOMEBODY") as association:
        assert association.is_rejected


def test_only_the_named_callers_may_send(listens_with: ListensWith) -> None:
    listening = listens_with(dimse_callers="CT1, MR1")
    assert listening.send(dicom(), aet="MR1") == [SUCCESS]
    with listening.sending("STRANGER") as association:
        assert association.is_rejected


def test_one_sender_too_many_is_rejected(listens_with: ListensWith) -> None:
    listening = listens_with(dimse_max_associations=1)
    with listening.sending(), listening.sending("MR1") as another:
        assert another.is_rejected


def test_a_silent_sender_is_cut_off(listens_with: ListensWith) -> None:
    with listens_with(dimse_idle_seconds=0.3).sending() as association:
        until(lambda: not association.is_established)


def test_nothing_is_left_in_the_spool(listening: Listening) -> None:
    with listening.sending() as association:
        association.send_c_store(dataset(dicom()))
        association.send_c_store(dataset(dicom(SeriesInstanceUID=None)))
    until(lambda: not list(listening.settings.spool_dir.iterdir()))


def test_nothing_that_identifies_is_logged(
    listening: Listening, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    file = dicom(PatientName="Planted^Person", PatientID="PLANTED-7")
    listening.send(file, dicom(PatientName="Planted^Person", SeriesInstanceUID=None))
    said = caplog.text + "".join(capfd.readouterr())
    assert not [word for word in ("Planted", "PLANTED-7", str(dataset(file).SOPInstanceUID)) if word in said]
