"""Taking files in at the same time: senders of the same images agree, on both databases."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from services.settings import Settings
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Instance, Patient, Series, Study
from services.work.outcomes import FileStatus, IntakeOptions
from services.work.receive import receive_group
from services.work.spool import Spool
from tests.services.intake.conftest import series

SENDERS = 4
GROUP = 5


def test_senders_of_the_same_studies_at_once_store_each_image_once(each_store: Store, settings: Settings) -> None:
    images = [*series(10, PatientID="P-1"), *series(10, PatientID="P-2")]

    def send(sender: int) -> Counter[FileStatus]:
        mine = random.Random(sender).sample(images, len(images))
        outcomes: Counter[FileStatus] = Counter()
        with Spool(settings) as spool:
            for start in range(0, len(mine), GROUP):
                group = []
                for content in mine[start : start + GROUP]:
                    writer = spool.begin("a")
                    writer.write(content)
                    group.append(writer.finish())
                kept = receive_group(each_store, settings, group, IntakeOptions(), f"key:{sender}")
                outcomes.update(outcome.status for outcome in kept)
        return outcomes

    with ThreadPoolExecutor(SENDERS) as threads:
        total = sum(threads.map(send, range(SENDERS)), Counter[FileStatus]())
    assert total == {FileStatus.STORED: len(images), FileStatus.DUPLICATE: len(images) * (SENDERS - 1)}
    with unit_of_work(each_store.database, writing=False) as session:
        counts = [
            session.scalar(select(func.count()).select_from(table)) for table in (Patient, Study, Series, Instance)
        ]
    assert counts == [2, 2, 2, len(images)]
