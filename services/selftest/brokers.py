"""The brokers a run can have: the embedded Valkey, or a Redis server beside the system, supervised by the self-test."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipelines.core.errors import BadRequest
from services.worker.children import Children, Program
from services.worker.embedded import System
from services.worker.valkey import Valkey

BROKERS: Final = ("valkey", "redis")
_GRACE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Broker:
    """`url` is None where the system starts its own; `pids` are the server's processes now."""

    url: str | None
    pids: Callable[[System], Sequence[int]]

    def kill(self, system: System) -> None:
        """kill -9; whoever supervises it starts it again with its files."""
        for pid in self.pids(system):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def opened_broker(name: str, folder: Path) -> Iterator[Broker]:
    """The broker that `name` says, for the time of the block; raises BadRequest where it cannot be had."""
    match name:
        case "valkey":
            yield Broker(None, lambda system: system.pids["broker"])
        case "redis":
            with _redis(folder) as broker:
                yield broker
        case _:
            raise BadRequest(f"--broker is one of {', '.join(BROKERS)}")


@contextmanager
def _redis(folder: Path) -> Iterator[Broker]:
    program = shutil.which("redis-server")
    if program is None:
        raise BadRequest("there is no redis-server on this machine", code="no_redis")
    server = replace(Valkey.fresh(folder / "redis"), program=program)
    children = Children({}, folder / "logs", _GRACE_SECONDS)  # a server needs nothing of our environment
    children.start(Program("broker", "redis", server.command, reset=server.forget))
    try:
        yield Broker(server.url, lambda system: children.pids("broker"))
    finally:
        children.stop()
