"""DICOMweb archives as sources: every study once in one order, streamed, whatever an archive's habits."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydantic import HttpUrl

from pipelines.core.errors import SourceRefused, SourceUnavailable
from services.archive.asked import ArchiveQuery
from services.archive.dicomweb import Dicomweb
from services.known_archives import DicomwebArchive
from services.settings import MEBIBYTE
from tests.services.archive.conftest import all_locators, contents
from tests.services.archive.fake_dicomweb import FakeDicomweb, serving

Opens = Callable[..., Dicomweb]
FIRST = date(2024, 1, 1)


@pytest.fixture
def opens() -> Iterator[Opens]:
    """Starts an archive and opens it as a source; `told` goes into its configuration."""
    with ExitStack() as stack:

        def start(archive: FakeDicomweb, query: dict[str, str] | None = None, **told: object) -> Dicomweb:
            stack.enter_context(serving(archive))
            settings = {"kind": "dicomweb", "url": HttpUrl(archive.url), "requests_per_second": 1000, "page": 4}
            source = Dicomweb(
                DicomwebArchive.model_validate(settings | told),
                ArchiveQuery.model_validate(query or {"from": "2024-01-01"}),
            )
            stack.callback(source.close)
            return source

        yield start


def studies(count: int, a_day: int = 1) -> dict[str, str]:
    """So many studies, some of them a day."""
    return {f"1.2.{number}": f"{FIRST + timedelta(days=number // a_day):%Y%m%d}" for number in range(count)}


def expected(held: dict[str, str]) -> list[str]:
    """The locators of these studies in the walk's order."""
    return [f"{day}/{uid}" for day, uid in sorted((day, uid) for uid, day in held.items())]


@pytest.mark.parametrize("a_day", [1, 3, 30])
@pytest.mark.parametrize("habit", [{}, {"most": 3}])
def test_every_study_is_listed_once_in_one_order(opens: Opens, a_day: int, habit: dict[str, int]) -> None:
    held = studies(30, a_day)
    assert all_locators(opens(FakeDicomweb(held, **habit))) == expected(held)


def test_an_archive_that_knows_no_offset_is_listed_by_its_days(opens: Opens) -> None:
    held = studies(30, 2)
    assert all_locators(opens(FakeDicomweb(held, knows_offset=False))) == expected(held)


def test_another_source_goes_on_from_any_locator(opens: Opens) -> None:
    held = studies(12, 5)
    assert opens(FakeDicomweb(held)).locators(expected(held)[6], 99) == expected(held)[7:]


def test_studies_that_come_and_go_meanwhile_double_and_lose_no_other(opens: Opens) -> None:
    held = studies(20, 2)
    archive = FakeDicomweb(dict(held))
    source = opens(archive)
    page = source.locators(None, 5)
    archive.studies |= {"1.2.99": "20240101", "1.2.98": "20240110"}
    del archive.studies["1.2.1"]
    rest = source.locators(page[-1], 99)
    assert [one for one in [*page, *rest] if not one.endswith(("99", "98"))] == expected(held)


def test_only_the_days_asked_for_are_listed(opens: Opens) -> None:
    held = studies(10)
    asked = {"from": "2024-01-03", "to": "2024-01-05"}
    assert all_locators(opens(FakeDicomweb(held), asked)) == expected(held)[2:5]


def test_a_modality_is_asked_for(opens: Opens) -> None:
    archive = FakeDicomweb(studies(1))
    opens(archive, {"from": "2024-01-01", "modality": "OP"}).locators(None, 1)
    assert all("ModalitiesInStudy=OP" in one for one in archive.asked)


def test_the_objects_come_as_they_are(opens: Opens) -> None:
    objects = [b"DICM\r\n--other\r\n" * 9, b"\x00" * 70_000, b"x"]
    source = opens(FakeDicomweb(studies(1), {"1.2.0": objects}))
    assert contents(source.fetch("20240101/1.2.0")) == objects


def test_a_file_that_nobody_reads_is_passed_over(opens: Opens) -> None:
    source = opens(FakeDicomweb(studies(1), {"1.2.0": [b"first", b"second"]}))
    assert len(list(source.fetch("20240101/1.2.0"))) == 2


def test_a_large_study_is_never_held_whole(opens: Opens) -> None:
    source = opens(FakeDicomweb(studies(1), {"1.2.0": [bytes(32 * MEBIBYTE)]}))
    files = source.fetch("20240101/1.2.0")
    file = next(files)
    first = next(file.chunks)
    tracemalloc.start()
    rest = sum(len(chunk) for chunk in file.chunks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(first) + rest == 32 * MEBIBYTE
    assert peak < 8 * MEBIBYTE


def test_an_answer_that_breaks_off_is_tried_again_later(opens: Opens) -> None:
    source = opens(FakeDicomweb(studies(1), {"1.2.0": [b"x" * 100]}, breaks_off=True))
    with pytest.raises(SourceUnavailable):
        contents(source.fetch("20240101/1.2.0"))


def test_a_connection_that_ends_within_a_file_is_tried_again_later(opens: Opens) -> None:
    files = opens(FakeDicomweb(studies(1), {"1.2.0": [bytes(32 * MEBIBYTE)]})).fetch("20240101/1.2.0")
    chunks = next(files).chunks
    next(chunks)
    files.close()  # type: ignore[attr-defined]  # a generator, which closes the connection
    with pytest.raises(SourceUnavailable):
        list(chunks)


def test_a_study_that_is_gone_is_refused(opens: Opens) -> None:
    with pytest.raises(SourceRefused) as refused:
        contents(opens(FakeDicomweb(studies(1))).fetch("20240101/1.2.0"))
    assert refused.value.code == "source_gone"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_archive_in_trouble_is_tried_again_later(opens: Opens, status: int) -> None:
    with pytest.raises(SourceUnavailable):
        opens(FakeDicomweb(studies(1), status=status)).locators(None, 1)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "source_credentials"), (400, "source_refused"), (302, "source_refused")]
)
def test_an_archive_that_refuses_us_fails_at_once(opens: Opens, status: int, code: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        opens(FakeDicomweb(studies(1), status=status)).locators(None, 1)
    assert refused.value.code == code


def test_an_archive_that_does_not_answer_is_tried_again_later() -> None:
    archive = DicomwebArchive.model_validate({"kind": "dicomweb", "url": "http://127.0.0.1:9/x"})
    with pytest.raises(SourceUnavailable):
        Dicomweb(archive, ArchiveQuery()).locators(None, 1)


def test_the_password_is_read_from_its_file(opens: Opens, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("swordfish\n")
    archive = FakeDicomweb(studies(1), password="swordfish")
    source = opens(archive, user="reader", password_file=str(tmp_path / "secret"))
    assert source.locators(None, 5) == ["20240101/1.2.0"]


def test_a_secret_that_cannot_be_read_says_so(opens: Opens, tmp_path: Path) -> None:
    source = opens(FakeDicomweb(studies(1)), token_file=str(tmp_path / "nothing"))
    with pytest.raises(SourceRefused) as refused:
        source.locators(None, 1)
    assert refused.value.code == "source_credentials"


def test_requests_keep_their_distance(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("services.archive.pace.time.sleep", slept.append)
    opens(FakeDicomweb(studies(1)), requests_per_second=0.5).locators(None, 5)
    assert slept
    assert 1.5 < slept[0] <= 2.0
