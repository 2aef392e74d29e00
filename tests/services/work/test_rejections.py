"""The quarantine under many hands: its rows say what lies there, and none of them stumbles over another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from pipelines.core.errors import NotAnImage
from services.settings import Settings
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Rejection
from services.work.rejections import Refused, reject
from services.work.spool import Spool

SENDERS = 4
FILES = 12
BYTES = 100


def test_senders_of_junk_at_once_leave_rows_that_say_what_lies_in_quarantine(
    each_store: Store, settings: Settings
) -> None:
    small = settings.model_copy(update={"quarantine_max_bytes": 3 * BYTES})

    def send(sender: int) -> None:
        with Spool(small) as spool:
            for _ in range(FILES):
                writer = spool.begin("a")
                writer.write(bytes(BYTES))
                file = writer.finish()
                refused = Refused(NotAnImage("it is no image"), file.bytes, file.path)
                reject(each_store, small, [refused], f"key:{sender}", "test")

    with ThreadPoolExecutor(SENDERS) as threads:
        list(threads.map(send, range(SENDERS)))
    with unit_of_work(each_store.database, writing=False) as session:
        rows = session.scalars(select(Rejection.quarantined)).all()
    assert len(rows) == SENDERS * FILES
    lying = {path.name for path in small.quarantine_dir.iterdir()}
    assert {name for name in rows if name is not None} == lying
    assert len(lying) <= 3
