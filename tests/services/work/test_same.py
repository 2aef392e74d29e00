"""The same object by another route is known again by what it says; another object under its UID is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from threading import Barrier

import pytest
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian
from sqlalchemy import func, select

from pipelines.core.errors import Overtaken
from services.settings import Settings
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Blob, Instance
from services.work import receive as receiving
from services.work.outcomes import FileStatus, IntakeOptions, Readied
from services.work.receive import receive_group
from services.work.same import Compared, compare
from services.work.spool import Spool
from tests.services.intake.conftest import by, dicom

STORED, DUPLICATE, CONFLICT = FileStatus.STORED, FileStatus.DUPLICATE, FileStatus.CONFLICT
UIDS = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.1", "SOPInstanceUID": "1.2.1.1"}


def implicit(file: bytes) -> bytes:
    """The file in the transfer syntax that everybody has to speak."""
    dataset = dcmread(BytesIO(file))
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    buffer = BytesIO()
    dataset.save_as(buffer, implicit_vr=True, little_endian=True, enforce_file_format=True)
    return buffer.getvalue()


@dataclass
class Door:
    """Takes files in, and looks at what is stored."""

    store: Store
    settings: Settings

    def take(self, *files: bytes) -> list[FileStatus]:
        """What becomes of a group of files."""
        with Spool(self.settings) as spool:
            group = []
            for file in files:
                writer = spool.begin("a")
                writer.write(file)
                group.append(writer.finish())
            outcomes = receive_group(self.store, self.settings, group, IntakeOptions(), "key:1")
            return [outcome.status for outcome in outcomes]

    def instances(self) -> Sequence[Instance]:
        """All rows, oldest first."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalars(select(Instance).order_by(Instance.id)).all()

    def blobs(self) -> int | None:
        """How many blobs are stored."""
        with unit_of_work(self.store.database, writing=False) as session:
            return session.scalar(select(func.count()).select_from(Blob))

    def files(self) -> int:
        """How many files lie in the blob store."""
        return sum(len(self.store.blobs.listed(folder)) for folder in self.store.blobs.folders())


@pytest.fixture
def door(store: Store, settings: Settings) -> Door:
    """A door to an empty store."""
    return Door(store, settings)


@pytest.mark.parametrize("recode", [lambda file: by("ANOTHER", file), implicit])
def test_the_same_object_in_other_bytes_is_a_duplicate_and_nothing_is_stored(
    door: Door, each_store: Store, recode: Callable[[bytes], bytes]
) -> None:
    first = dicom()
    assert [*door.take(first), *door.take(recode(first)), *door.take(recode(first))] == [STORED, DUPLICATE, DUPLICATE]
    assert (len(door.instances()), door.blobs(), door.files()) == (1, 1, 1)


def test_another_object_under_the_uid_stays_a_conflict_however_often_it_comes(door: Door, each_store: Store) -> None:
    first, other = dicom(**UIDS), dicom(**UIDS, PatientName="Other^Name")
    sent = [first, other, other, by("ANOTHER", other), by("ANOTHER", first)]
    assert [door.take(file) for file in sent] == [[STORED], [CONFLICT], [DUPLICATE], [DUPLICATE], [DUPLICATE]]
    assert [instance.conflict for instance in door.instances()] == [False, True]


def test_an_object_twice_in_one_group_is_stored_once(door: Door) -> None:
    first = dicom(**UIDS)
    sent = [first, by("ANOTHER", first), dicom(**UIDS, PatientName="Other^Name"), implicit(first)]
    assert door.take(*sent) == [STORED, DUPLICATE, CONFLICT, DUPLICATE]
    assert (len(door.instances()), door.files()) == (2, 2)


def test_nothing_is_digested_for_what_is_new_or_the_very_same(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("services.work.same.read_content")
    first = dicom()
    assert [*door.take(first, dicom()), *door.take(first)] == [STORED, STORED, DUPLICATE]


def test_stored_bytes_are_read_once_however_often_they_are_compared(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = dicom()
    door.take(first)
    door.take(by("ANOTHER", first))
    monkeypatch.setattr(door.store.blobs, "local_path", None)
    assert door.take(by("A THIRD", first)) == [DUPLICATE]


def test_an_object_whose_stored_bytes_are_lost_is_kept(door: Door) -> None:
    first = dicom()
    door.take(first)
    door.take(by("ANOTHER", first))
    door.store.blobs.remove(door.instances()[0].blob_sha256)
    assert door.take(by("ANOTHER", first)) == [CONFLICT]
    assert door.files() == 1


def test_what_came_in_between_is_compared_as_well(
    door: Door, each_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = dicom()
    seen: list[int] = []

    def overtaken(store: Store, group: Sequence[Readied]) -> list[Compared]:
        compared = compare(store, group)
        seen.append(len(group))
        if len(seen) == 1:
            monkeypatch.setattr(receiving, "compare", compare)
            assert door.take(by("ANOTHER", first)) == [STORED]
            monkeypatch.setattr(receiving, "compare", overtaken)
        return compared

    monkeypatch.setattr(receiving, "compare", overtaken)
    assert door.take(first) == [DUPLICATE]
    assert seen == [1, 1]


def test_a_group_that_is_always_overtaken_is_to_be_sent_again(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = dicom(**UIDS), dicom(**UIDS, PatientName="Other^Name")
    door.take(other)

    def blind_compare(store: Store, group: Sequence[Readied]) -> list[Compared]:
        return [Compared(one, others=frozenset()) for one in group]

    monkeypatch.setattr(receiving, "compare", blind_compare)
    with pytest.raises(Overtaken):
        door.take(first)
    assert len(door.instances()) == 1


def test_senders_of_one_object_by_several_routes_at_once_store_it_once(door: Door, each_store: Store) -> None:
    objects = [dicom() for _ in range(4)]
    routes = [f"ROUTE {number}" for number in range(4)]
    together = Barrier(len(routes))

    def send(route: str) -> Counter[FileStatus]:
        together.wait()
        return Counter(door.take(*(by(route, one) for one in objects)))

    with ThreadPoolExecutor(len(routes)) as threads:
        total = sum(threads.map(send, routes), Counter[FileStatus]())
    assert total == {STORED: len(objects), DUPLICATE: len(objects) * (len(routes) - 1)}
    assert len(door.instances()) == len(objects)
