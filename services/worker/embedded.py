"""The whole system on one machine: broker, API, scheduler and workers as supervised child processes."""

from __future__ import annotations

import errno
import os
import signal
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from types import FrameType, TracebackType
from typing import Final, Self

import httpx

from pipelines.core.errors import Conflict, NotReady
from services.settings import Settings
from services.store import migrate
from services.worker.children import Children, Program
from services.worker.leash import leashed
from services.worker.valkey import Valkey

READY_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05
GRACE_SECONDS: Final = 5.0
BACKLOG: Final = 2048
STARTED: Final = ("api", "worker", "scheduler")
ROLES: Final = (*STARTED, "dimse", "broker")
#: The module that runs one role as a process.
SERVE: Final = "services.worker.serve"


@dataclass(frozen=True)
class System:
    """A running system; `settings` are the ones its processes got: the port it listens on and its broker's URL."""

    settings: Settings
    url: str
    _children: Children
    _opened: ExitStack

    @classmethod
    def start(
        cls, settings: Settings, workers: int = 1, ready_seconds: float = READY_SECONDS, module: str = SERVE
    ) -> Self:
        """Migrate the database, start everything and wait until it answers. Raises NotReady.

        `workers` is the number of worker processes; together they use the machine's cores once. `module` runs the roles
        instead of SERVE: the self-test has one that can let a disk fail.
        """
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        migrate.upgrade(settings)
        with ExitStack() as opened:
            listener = opened.enter_context(_listen(settings.host, settings.port))
            _check_free(settings)
            valkey = None if settings.broker_url else Valkey.fresh(settings.broker_dir)
            threads = settings.worker_threads or max(1, (os.cpu_count() or 1) // workers)
            told = settings.model_copy(
                update={
                    "port": listener.getsockname()[1],
                    "broker_url": valkey.url if valkey else settings.broker_url,
                    "worker_threads": threads,
                }
            )
            children = Children(_environment(told), settings.logs_dir, GRACE_SECONDS)
            opened.callback(children.stop)
            for program in [*_programs(valkey, listener, workers, module), *_dicom_listener(told, module)]:
                children.start(program)
            url = f"http://{_host(told.host)}:{told.port}"
            _wait_until_ready(url, children, valkey, time.monotonic() + ready_seconds)
            _wait_until_dicom_listens(told, time.monotonic() + ready_seconds)
            return cls(told, url, children, opened.pop_all())

    @property
    def pids(self) -> dict[str, list[int]]:
        """The present processes by role: api, worker, scheduler, dimse, broker."""
        return {role: self._children.pids(role) for role in ROLES}

    def stop(self) -> None:
        """Stop everything within seconds; running jobs are given back. Harmless to repeat."""
        self._opened.close()

    def wait(self) -> None:
        """Block until SIGTERM or SIGINT; for the main thread. The former handlers are put back."""
        asked = Event()

        def ask(number: int, frame: FrameType | None) -> None:
            asked.set()

        former = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
        asked.wait()
        for number, handler in former.items():
            signal.signal(number, handler)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _wait_until_ready(url: str, children: Children, valkey: Valkey | None, deadline: float) -> None:
    while time.monotonic() < deadline:
        if all(children.pids(role) for role in STARTED) and (valkey is None or valkey.answers()) and _answers(url):
            return
        time.sleep(POLL_SECONDS)
    raise NotReady


def _wait_until_dicom_listens(settings: Settings, deadline: float) -> None:
    while settings.dimse_port:
        with suppress(OSError), socket.create_connection((_reached(settings.dimse_host), settings.dimse_port), 1.0):
            return
        if time.monotonic() > deadline:
            raise NotReady
        time.sleep(POLL_SECONDS)


def _answers(url: str) -> bool:
    # A full disk is no reason to stay down: what is stored can be read and signed, and intake answers 507 by itself.
    with suppress(httpx.TransportError, ValueError):
        parts = httpx.get(f"{url}/readyz", timeout=1.0).json()
        return bool(parts.get("database") == "ok")
    return False


def _programs(valkey: Valkey | None, listener: socket.socket, workers: int, module: str) -> list[Program]:
    """What a system consists of; a worker's name outlives its restarts, so that it finds what it held before."""
    programs = [
        Program("scheduler", "scheduler", lambda: _role(module, "scheduler")),
        Program("api", "api", lambda: _role(module, "api", str(listener.fileno())), descriptors=(listener.fileno(),)),
    ]
    for number in range(1, workers + 1):
        command = partial(_role, module, "worker", f"{socket.gethostname()}-worker-{number}")
        programs.append(Program("worker", f"worker-{number}", command))
    if valkey is None:
        return programs
    return [Program("broker", "broker", valkey.command, reset=valkey.forget, foundation=True), *programs]


def _dicom_listener(settings: Settings, module: str) -> list[Program]:
    """The DICOM listener, where a port is set for it; it binds by itself, and senders try again while it restarts."""
    return [Program("dimse", "dimse", lambda: _role(module, "dimse"))] if settings.dimse_port else []


def _check_free(settings: Settings) -> None:
    """Raises Conflict (`port_taken`) where another program has the DICOM listener's port."""
    try:
        _listen(settings.dimse_host, settings.dimse_port).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Conflict(f"port {settings.dimse_port} of the DICOM listener is taken", code="port_taken") from error


def _role(module: str, *arguments: str) -> list[str]:
    return leashed("module", module, *arguments)


def _listen(host: str, port: int) -> socket.socket:
    """The API's listening socket, held here so that callers wait in line while the API is started again."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _host(host: str) -> str:
    reached = _reached(host)
    return f"[{reached}]" if ":" in reached else reached


def _reached(host: str) -> str:
    """The address at which this machine reaches what listens on `host`."""
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared with, not bound to


def _environment(settings: Settings) -> dict[str, str]:
    """This process's environment with our settings in place of any it had."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("OVERREAD_")}
    told = {
        f"OVERREAD_{name.upper()}": str(value.resolve() if isinstance(value, Path) else value)
        for name, value in settings.model_dump().items()
        if value is not None
    }
    return kept | told
