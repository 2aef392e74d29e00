"""What arrived before an interruption is not sent again; what is stated of photographs goes with each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pipelines.core.errors import BadRequest, StorageFull
from services.cli.client import Service
from services.cli.journal import Journal
from services.cli.parcels import collect, pack
from services.cli.sending import Wishes, of_photographs, send_all

JPEG = b"\xff\xd8\xff\xe0 the rest of a photograph"
FULL = httpx.Response(507, json={"detail": "full"}, headers={"content-type": "application/problem+json"})


def service(answers: Callable[[httpx.Request], httpx.Response]) -> Service:
    return Service("http://service", httpx.Client(base_url="http://service", transport=httpx.MockTransport(answers)))


def stored(study: str) -> httpx.Response:
    return httpx.Response(202, json={"received": [{"status": "stored"}], "studies": [{"id": study}]})


@pytest.fixture
def two_visits(tmp_path: Path) -> Path:
    for day in ("1-monday", "2-tuesday"):
        (tmp_path / "visits" / day).mkdir(parents=True)
        (tmp_path / "visits" / day / "left.jpg").write_bytes(JPEG)
    return tmp_path / "visits"


def test_what_arrived_before_the_disk_was_full_is_remembered(two_visits: Path, tmp_path: Path) -> None:
    letters = collect([two_visits])
    journal = Journal(tmp_path / "journal")
    said = iter([stored("S1"), FULL])
    with pytest.raises(StorageFull):
        send_all(service(lambda _: next(said)), list(pack(letters)), Wishes(), journal, parallel=1)
    assert [journal.holds(letter) for letter in letters] == [True, False]
    assert list(journal.studies) == ["S1"]


def test_files_are_counted_by_what_became_of_them(two_visits: Path, tmp_path: Path) -> None:
    said = iter([stored("S1"), stored("S2")])
    parcels = list(pack(collect([two_visits])))
    delivery = send_all(service(lambda _: next(said)), parcels, Wishes(), Journal(tmp_path / "journal"), parallel=2)
    assert dict(delivery.counts) == {"stored": 2}
    assert delivery.kept == 2


def test_one_side_is_stated_for_all_photographs(two_visits: Path) -> None:
    letters = collect([two_visits])
    assert set(of_photographs(letters, ["R"], "--laterality").values()) == {"R"}


def test_sides_are_stated_in_the_order_of_the_photographs(two_visits: Path) -> None:
    letters = collect([two_visits])
    sides = of_photographs(letters, ["R", "L"], "--laterality")
    assert [sides[letter.path] for letter in letters] == ["R", "L"]


def test_a_number_of_sides_that_does_not_fit_is_refused(two_visits: Path) -> None:
    with pytest.raises(BadRequest, match="once for each photograph"):
        of_photographs(collect([two_visits]), ["R"] * 3, "--laterality")


def test_the_eye_of_a_photograph_is_not_said_of_objects_in_another_parcel(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"\0" * 128 + b"DICM")
    (parcel,) = pack(collect([tmp_path / "a.dcm"]))
    wishes = Wishes(patient_id="P-1", sides={tmp_path / "b.jpg": "L"}, moments={tmp_path / "b.jpg": "2026-01-31"})
    assert wishes.fields(parcel) == {"complete": "no", "priority": "routine", "patient_id": "P-1"}


def test_the_day_of_each_photograph_goes_with_it(two_visits: Path) -> None:
    letters = collect([two_visits])
    moments = of_photographs(letters, ["2026-01-31", "2026-02-01"], "--acquired")
    said = [Wishes(moments=moments).fields(parcel)["acquired"] for parcel in pack(letters)]
    assert said == [["2026-01-31"], ["2026-02-01"]]
