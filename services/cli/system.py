"""Starts the whole system on this machine and makes its first login."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from pipelines.core.errors import Conflict
from services.log import configure
from services.settings import OWNER_ONLY, Settings
from services.store import audit, users
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import open_store
from services.worker.embedded import System

FIRST_USER: Final = "admin"
FIRST_KEY: Final = "made at the first start"
PASSWORD_BYTES: Final = 12
LOCK_NAME: Final = "up.lock"


@dataclass(frozen=True, slots=True)
class Login:
    """The first user's secrets, known in the clear only here and now."""

    user: str
    password: str
    api_key: str


@contextmanager
def running(settings: Settings) -> Iterator[System]:
    """The whole system, ready, and stopped at the end; SIGTERM ends the block as Ctrl-C does.

    Raises Conflict where the folder or the port is taken, NotReady where a part does not come up.
    """
    configure()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with sole_owner(settings):
        try:
            system = System.start(settings)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise Conflict(f"port {settings.port} is taken; --port 0 takes a free one", code="port_taken") from error
        # Once it runs, being asked to stop is its proper end, at whatever line the signal arrives.
        with system, suppress(KeyboardInterrupt):
            yield system


@contextmanager
def sole_owner(settings: Settings) -> Iterator[None]:
    """Holds the data folder for this process, since two brokers and two schedulers would fight over it."""
    settings.data_dir.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    with (settings.data_dir / LOCK_NAME).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"an Overread runs in {settings.data_dir} already", code="data_in_use") from error
        yield


def first_login(settings: Settings) -> Login | None:
    """Make the first user and an API key where there is no user yet and only this machine can reach the system."""
    if not is_loopback(settings.host):
        return None
    store = open_store(settings)
    try:
        with unit_of_work(store.database) as session:
            if users.list_users(session):
                return None
            password = secrets.token_urlsafe(PASSWORD_BYTES)
            user = users.create_user(session, FIRST_USER, password, Role.ADMIN)
            key = users.create_key(session, FIRST_KEY, Role.ADMIN, f"user:{user.id}")
            audit.record(session, "system", "user.added", user=user.id, key=key.id, role=Role.ADMIN)
            return Login(FIRST_USER, password, key.key)
    finally:
        store.close()


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
