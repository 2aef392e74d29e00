"""Whose fault a death was: read from the signal, and from the kernel's own count of processes killed for memory."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

from pipelines.core.errors import ReaderCrashed, ReaderDied

#: Signals a process earns by what it runs: only native code that fails raises them.
CRASHES: Final = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGSYS, signal.SIGTRAP}
)
_CGROUP: Final = Path("/sys/fs/cgroup")


def death(returncode: int | None, oom_kills: int, peak_memory_bytes: int | None) -> ReaderDied:
    """The error for a reading process that ended with `returncode` (negative: a signal) in the middle of a job.

    `oom_kills` is how many processes the kernel killed for memory meanwhile: SIGKILL alone could be anybody's.
    """
    number = -returncode if returncode is not None and returncode < 0 else None
    if number in CRASHES:
        return ReaderCrashed.by(number, peak_memory_bytes)
    if number == signal.SIGKILL and oom_kills > 0:
        killed = ReaderCrashed("the job was killed for the memory it took", code="out_of_memory")
        killed.signal, killed.peak_memory_bytes = number, peak_memory_bytes
        return killed
    return ReaderDied.by(number, peak_memory_bytes)


def oom_kills() -> int:
    """Processes killed for memory so far, in our control group and on this kernel; 0 where neither counts."""
    files = [*_control_group_files(), Path("/proc/vmstat")]
    return sum(_counter(path) for path in files)


def _control_group_files() -> list[Path]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    groups = [line.split(":", 2) for line in lines]  # hierarchy : controllers : path, cgroups(7)
    own = [_CGROUP / path.lstrip("/") / "memory.events" for number, _, path in groups if number == "0"]
    old = [
        _CGROUP / "memory" / path.lstrip("/") / "memory.oom_control" for _, kinds, path in groups if "memory" in kinds
    ]
    # Inside a container the paths are those of the host, and the group itself is mounted at the root.
    return [*own, *old] if any(path.exists() for path in [*own, *old]) else [_CGROUP / "memory.events"]


def _counter(path: Path) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def resident_bytes(pid: int) -> int | None:
    """The memory a process holds now; None where the system does not say."""
    return _status(pid, "VmRSS:")


def peak_resident_bytes(pid: int) -> int | None:
    """The most memory a process ever held; None where the system does not say."""
    return _status(pid, "VmHWM:")


def _status(pid: int, name: str) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), None)  # proc(5): kB
