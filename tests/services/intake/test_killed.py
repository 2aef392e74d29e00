"""A process killed while it takes files in: nothing half-kept, and sending again mends everything."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.settings import Settings
from services.store.stores import Store
from services.work import spool
from services.work.outcomes import FileStatus, IntakeOptions
from services.work.receive import receive
from services.work.spool import Spool
from tests.services.intake.conftest import dicom

#: Takes one file in and is killed at the commit: after the bytes are durable, before any row is.
KILLED_AT_COMMIT = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from services.settings import Settings
from services.store.stores import open_store
from services.work.outcomes import IntakeOptions
from services.work.receive import receive
from services.work.spool import Spool

settings = Settings(data_dir=Path(sys.argv[1]))
store = open_store(settings)


def kill(connection):
    # Not where a reading unit ends, before the bytes are there.
    if any(path.is_file() for path in (settings.data_dir / "blobs").rglob("*")):
        os.kill(os.getpid(), signal.SIGKILL)


event.listen(store.database.engine, "commit", kill)
spool = Spool(settings).__enter__()
writer = spool.begin("a")
writer.write(Path(sys.argv[2]).read_bytes())
receive(store, settings, writer.finish(), IntakeOptions(), "system")
"""


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """A DICOM file."""
    path = tmp_path / "sent.dcm"
    path.write_bytes(dicom())
    return path


def test_a_kill_before_the_commit_leaves_only_a_blob_nobody_refers_to(
    store: Store, settings: Settings, sent: Path
) -> None:
    if not store.database.is_sqlite:
        pytest.skip("the killed process is told of SQLite's file only")
    command = [sys.executable, "-c", KILLED_AT_COMMIT, str(settings.data_dir), str(sent)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    sha256 = hashlib.sha256(sent.read_bytes()).hexdigest()
    assert store.blobs.exists(sha256)
    with store.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM instances").scalar() == 0
        assert connection.exec_driver_sql("SELECT count(*) FROM blobs").scalar() == 0
    assert len(list(settings.spool_dir.iterdir())) == 1
    with Spool(settings) as again:
        writer = again.begin("a")
        writer.write(sent.read_bytes())
        outcome = receive(store, settings, writer.finish(), IntakeOptions(), "system")
        assert outcome.status is FileStatus.STORED
    left = next(settings.spool_dir.iterdir())
    for path in (*left.iterdir(), left):
        os.utime(path, (0, 0))
    assert spool.clean(settings) == 1
