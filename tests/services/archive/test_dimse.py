"""DIMSE archives as sources: C-FIND lists every study once, C-MOVE and C-GET bring its objects."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.uid import OphthalmicPhotography8BitImageStorage
from pynetdicom import AE

from pipelines.core.errors import SourceRefused, SourceUnavailable
from services.archive import dimse
from services.archive.arriving import listening, storage_entity
from services.archive.asked import ArchiveQuery
from services.archive.dimse import Dimse
from services.archive.landing import Landing
from services.known_archives import DimseArchive
from services.settings import Settings
from tests.conftest import ophthalmic_dataset
from tests.services.archive.conftest import all_locators, contents
from tests.services.archive.fake_dimse import FakeDimse, serving
from tests.services.intake.conftest import series

Opens = Callable[..., Dimse]
FIRST = date(2024, 1, 1)
JANUARY = {"from": "2024-01-01", "to": "2024-01-31"}
STUDY = "1.2.840.1"
LOCATOR = f"20240101/{STUDY}"


@pytest.fixture
def opens(settings: Settings) -> Iterator[Opens]:
    """Starts an archive and opens it as a source; `told` goes into its configuration."""
    with ExitStack() as stack:

        def start(archive: FakeDimse, query: dict[str, str] | None = None, **told: object) -> Dimse:
            stack.enter_context(serving(archive))
            known = {"kind": "dimse", "host": "127.0.0.1", "port": archive.port, "aet": "ARCHIVE"}
            known |= {"requests_per_second": 1000, "timeout_seconds": 5, "retrieve": "get", "listen_host": "127.0.0.1"}
            source = Dimse(
                DimseArchive.model_validate(known | told),
                ArchiveQuery.model_validate(query or {"from": "2024-01-01"}),
                settings,
            )
            stack.callback(source.close)
            return source

        yield start


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def studies(count: int, a_day: int = 1) -> dict[str, str]:
    """So many studies, some of them a day."""
    return {f"1.2.{number}": f"{FIRST + timedelta(days=number // a_day):%Y%m%d}" for number in range(count)}


def expected(held: dict[str, str]) -> list[str]:
    """The locators of these studies in the walk's order."""
    return [f"{day}/{uid}" for day, uid in sorted((day, uid) for uid, day in held.items())]


def uids(files: list[bytes]) -> set[str]:
    """The SOP Instance UIDs of objects."""
    return {dcmread(BytesIO(file)).SOPInstanceUID for file in files}


def holding(count: int = 3) -> FakeDimse:
    """An archive with one study."""
    return FakeDimse({STUDY: "20240101"}, {STUDY: series(count, StudyInstanceUID=STUDY)})


@pytest.mark.parametrize("a_day", [1, 9])
def test_every_study_is_listed_once_in_one_order(opens: Opens, a_day: int) -> None:
    held = studies(20, a_day)
    assert all_locators(opens(FakeDimse(held)), 7) == expected(held)


def test_an_answer_that_is_too_long_is_asked_for_in_halves(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse, "ANSWER_STUDIES", 6)
    held = studies(20, 2)
    assert all_locators(opens(FakeDimse(held), JANUARY), 7) == expected(held)


def test_days_that_are_too_much_for_the_archive_are_asked_for_in_halves(opens: Opens) -> None:
    held = studies(20, 2)
    assert all_locators(opens(FakeDimse(held, most=5), JANUARY), 7) == expected(held)


def test_another_source_goes_on_from_any_locator(opens: Opens) -> None:
    held = studies(12, 5)
    assert opens(FakeDimse(held)).locators(expected(held)[6], 99) == expected(held)[7:]


def test_a_modality_is_asked_for(opens: Opens) -> None:
    archive = FakeDimse(studies(1))
    opens(archive, {"from": "2024-01-01", "to": "2024-01-02", "modality": "OP"}).locators(None, 1)
    assert archive.asked == ["20240101-20240102 OP"]


def test_get_brings_the_objects_of_a_study(opens: Opens) -> None:
    archive = holding()
    assert uids(contents(opens(archive).fetch(LOCATOR))) == uids(archive.objects[STUDY])


def test_move_brings_the_objects_of_a_study(opens: Opens, free_port: int) -> None:
    archive = holding()
    archive.destination = free_port
    source = opens(archive, retrieve="move", listen_port=free_port)
    assert uids(contents(source.fetch(LOCATOR))) == uids(archive.objects[STUDY])
    assert uids(contents(source.fetch(LOCATOR))) == uids(archive.objects[STUDY])


def test_nothing_that_was_fetched_is_left_behind(opens: Opens, settings: Settings) -> None:
    files = opens(holding()).fetch(LOCATOR)
    next(next(files).chunks)
    files.close()  # type: ignore[attr-defined]  # a generator that is left early
    assert not list(settings.spool_dir.iterdir())


def test_a_destination_that_the_archive_does_not_know_is_said_so(opens: Opens, free_port: int) -> None:
    with pytest.raises(SourceRefused) as refused:
        contents(opens(holding(), retrieve="move", listen_port=free_port).fetch(LOCATOR))
    assert refused.value.code == "source_credentials"


def test_a_port_that_is_taken_is_tried_again_later(opens: Opens) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SourceUnavailable):
        contents(opens(holding(), retrieve="move", listen_port=taken.getsockname()[1]).fetch(LOCATOR))


def test_a_study_without_images_is_refused(opens: Opens) -> None:
    with pytest.raises(SourceRefused) as refused:
        contents(opens(FakeDimse({STUDY: "20240101"})).fetch(LOCATOR))
    assert refused.value.code == "source_gone"


def test_an_object_past_the_limit_is_not_taken(opens: Opens, settings: Settings) -> None:
    source = opens(holding())
    source._settings = settings.model_copy(update={"max_file_bytes": 300})
    with pytest.raises((SourceRefused, SourceUnavailable)):
        contents(source.fetch(LOCATOR))


# pynetdicom leaves a socket that could not connect to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_an_archive_that_is_away_is_tried_again_later(opens: Opens, free_port: int) -> None:
    with pytest.raises(SourceUnavailable):
        opens(FakeDimse({}), port=free_port).locators(None, 1)


def test_an_archive_that_does_not_know_us_fails_at_once(opens: Opens) -> None:
    with pytest.raises(SourceRefused) as refused:
        opens(FakeDimse({}, callers=("SOMEBODY",))).locators(None, 1)
    assert refused.value.code == "source_credentials"


def test_a_refused_question_fails_at_once(opens: Opens) -> None:
    with pytest.raises(SourceRefused):
        opens(FakeDimse(studies(1), find_status=0xA900)).locators(None, 1)


def test_only_objects_of_the_study_asked_for_land(settings: Settings) -> None:
    settings.spool_dir.mkdir(parents=True)
    landing = Landing(settings.spool_dir, STUDY, settings.max_file_bytes)
    stranger = AE("STRANGER")
    stranger.add_requested_context(OphthalmicPhotography8BitImageStorage)
    with listening(storage_entity("OVERREAD", 5.0), ("127.0.0.1", 0), landing.handlers(), 0.01) as port:
        association = stranger.associate("127.0.0.1", port)
        statuses = [
            association.send_c_store(ophthalmic_dataset({"StudyInstanceUID": uid})).Status for uid in ("1.9", STUDY)
        ]
        association.release()
    assert statuses == [0xC000, 0x0000]
    assert len(landing.arrived) == 1


def test_nothing_that_identifies_is_logged(opens: Opens, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    source = opens(holding())
    contents(source.fetch(source.locators(None, 1)[0]))
    assert STUDY not in caplog.text
