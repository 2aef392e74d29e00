"""Child processes under one supervisor thread: started, started again when they die, stopped in order."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

from services.log import logger

log = logger("supervisor")
WATCH_SECONDS: Final = 0.1
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 10.0
#: A process that lived this long was well; the next pause is short again.
WELL_SECONDS: Final = 20.0
#: So many quick deaths in a row, and what the process keeps on disk is thrown away.
HOPELESS: Final = 4
LOG_BYTES: Final = 10 * 1024**2
#: How often a log is looked at: a process may run for a year and write a line for every request.
LOG_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Program:
    """What to run: its role (api, worker ...), its command line made anew for each start, and what it inherits."""

    role: str
    name: str
    command: Callable[[], Sequence[str]]
    descriptors: tuple[int, ...] = ()
    reset: Callable[[], None] | None = None
    foundation: bool = False  # the others need it while they stop


@dataclass
class Child:
    """A program with its present process and when to start the next one."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    born: float = 0.0
    deaths: int = 0
    due: float = 0.0
    log_due: float = 0.0


@dataclass
class Children:
    """All child processes of this system; the thread that starts them lives until they have stopped."""

    environment: Mapping[str, str]
    logs: Path
    grace_seconds: float
    _children: list[Child] = field(default_factory=list)
    _stopping: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)
    _thread: Thread | None = None

    def start(self, program: Program) -> None:
        """Have a program run from now on."""
        with self._lock:
            self._children.append(Child(program))
        if self._thread is None:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._thread = Thread(target=self._supervise, name="supervisor")
            self._thread.start()

    def pids(self, role: str) -> list[int]:
        """The processes that a role has now."""
        with self._lock:
            processes = [child.process for child in self._children if child.program.role == role]
        return [process.pid for process in processes if process is not None and process.poll() is None]

    def stop(self) -> None:
        """Stop all, the foundations last, and wait for them; whoever does not stop in the grace time is killed."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _supervise(self) -> None:
        # One thread starts all of them, since the kernel's signal to a child goes out when its starting thread ends.
        while not self._stopping.wait(WATCH_SECONDS):
            with self._lock:
                for child in self._children:
                    self._look_after(child)
        with self._lock:
            for foundation in (False, True):
                self._end([child for child in self._children if child.program.foundation is foundation])

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None and child.process.poll() is not None:
            self._note_death(child, now)
        if child.process is None and now >= child.due:
            child.process = self._spawn(child.program)
            child.born = now
        if now >= child.log_due:
            child.log_due = now + LOG_SECONDS
            _shorten(self._log(child.program))

    def _note_death(self, child: Child, now: float) -> None:
        code = child.process.returncode if child.process else None
        child.deaths = 1 if now - child.born > WELL_SECONDS else child.deaths + 1
        child.due = now + min(FIRST_PAUSE_SECONDS * 2 ** (child.deaths - 1), LONGEST_PAUSE_SECONDS)
        if child.deaths % HOPELESS == 0 and child.program.reset is not None:
            child.program.reset()
        _let_go(child)
        log.warning("child.died", role=child.program.role, code=code, deaths=child.deaths)

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with self._log(program).open("ab") as output:
            # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which then stops them in order.
            return subprocess.Popen(
                program.command(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=dict(self.environment),
                pass_fds=program.descriptors,
                start_new_session=True,
            )

    def _log(self, program: Program) -> Path:
        return self.logs / f"{program.name}.log"

    def _end(self, children: Sequence[Child]) -> None:
        deadline = time.monotonic() + self.grace_seconds
        running = [(child, child.process) for child in children if child.process is not None]
        for _, process in running:
            process.terminate()
        for child, process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
            _let_go(child)


def _let_go(child: Child) -> None:
    if child.process is not None:
        child.process.wait()
        if child.process.stdin is not None:
            child.process.stdin.close()
        child.process = None


def _shorten(log: Path) -> None:
    """Keep what a long log held as the one before, and empty it: its writer appends, and goes on at the new end."""
    with suppress(OSError):  # a full disk, or somebody cleared the folder: the processes matter more than their logs
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)
