"""Back-pressure: refused before a disk is full, with an alarm that goes by itself when there is room."""

from __future__ import annotations

import shutil
from collections import namedtuple
from dataclasses import dataclass

import pytest

from pipelines.core.errors import StorageFull
from services.settings import MEBIBYTE, Settings
from services.store.alarms import open_alarms
from services.store.clock import seconds_from_now
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Rejection
from services.work import watermarks

RESERVE, LOW = 100, 400  # MiB
REMEMBERED_SECONDS = 20.0
Usage = namedtuple("Usage", "total free")


@dataclass
class Disk:
    """A disk of which a test says how much is free."""

    store: Store
    settings: Settings
    free: int = 1000

    def left(self, mebibytes: int) -> set[str]:
        """So much is free now; the alarms once the scheduler has looked."""
        self.free = mebibytes
        watermarks.watch(self.store, self.settings)
        with unit_of_work(self.store.database, writing=False) as session:
            return {alarm.code for alarm in open_alarms(session)}

    def takes(self, mebibytes: int) -> bool:
        """Whether images are taken in with so much free."""
        self.free = mebibytes
        try:
            watermarks.admit(self.store, self.settings)
        except StorageFull:
            return False
        return True


@pytest.fixture
def disk(store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk with 100 MiB kept free and an alarm below 400 MiB."""
    marks = {"disk_reserve_bytes": RESERVE * MEBIBYTE, "disk_low_bytes": LOW * MEBIBYTE}
    made = Disk(store, settings.model_copy(update={**marks, "storage_full_seconds": REMEMBERED_SECONDS}))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(made.free * MEBIBYTE, made.free * MEBIBYTE))
    return made


def test_a_person_is_told_before_and_when_images_are_refused_and_the_alarms_end_with_the_cause(disk: Disk) -> None:
    seen = [disk.left(free) for free in (500, 300, 90, 110, 130, 500)]
    low, both = {"storage_low"}, {"storage_low", "storage_full"}
    assert seen == [set(), low, both, both, low, set()]  # 110: above the mark, but not well above it


def test_refused_images_are_taken_again_only_well_above_the_mark(disk: Disk) -> None:
    assert disk.takes(110)
    disk.left(90)
    assert [disk.takes(free) for free in (90, 110, 130)] == [False, False, True]


def test_a_disk_that_the_scheduler_does_not_see_keeps_the_alarm_for_a_while(disk: Disk) -> None:
    with unit_of_work(disk.store.database) as session:
        refused = Rejection(actor="key:a", source="rest", code="storage_full", sentence="full", bytes=0)
        session.add(refused)
    watermarks.sound(disk.store, StorageFull())
    assert disk.left(500) == {"storage_full"}
    with unit_of_work(disk.store.database) as session:
        session.merge(refused).created_at = seconds_from_now(-REMEMBERED_SECONDS - 1)
    assert disk.left(500) == set()


def test_an_alarm_says_which_place_and_no_path(disk: Disk) -> None:
    disk.left(90)
    with unit_of_work(disk.store.database, writing=False) as session:
        details = {alarm.detail for alarm in open_alarms(session)}
    assert len(details) == 1 and "90 MiB left" in details.pop()
