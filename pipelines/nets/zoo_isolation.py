"""Shuts this process off: no network, no files but those named, no other processes, no rights; Linux namespaces.

Source: user_namespaces(7), mount_namespaces(7), pid_namespaces(7), pivot_root(2), capabilities(7). Only the standard
library is imported, since whatever is loaded before the door closes stays in the room.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_CLONE_NEWNS: Final = 0x00020000  # linux/sched.h
_CLONE_NEWUTS: Final = 0x04000000
_CLONE_NEWIPC: Final = 0x08000000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWPID: Final = 0x20000000
_CLONE_NEWNET: Final = 0x40000000

_MS_RDONLY: Final = 1  # linux/mount.h
_MS_NOSUID: Final = 2
_MS_NODEV: Final = 4
_MS_NOEXEC: Final = 8
_MS_REMOUNT: Final = 32
_MS_BIND: Final = 4096
_MS_REC: Final = 16384
_MS_PRIVATE: Final = 1 << 18
_MNT_DETACH: Final = 2
#: statvfs(3) flag -> the mount flag that a remount inside a user namespace must repeat.
_KEPT: Final = {2: _MS_NOSUID, 4: _MS_NODEV, 8: _MS_NOEXEC, 1024: 1024, 2048: 2048, 4096: 1 << 21}

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITY_VERSION_3: Final = 0x20080522  # linux/capability.h
_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}  # asm/unistd.h
_NOBODY: Final = 65534
#: Room for what the bundle's code writes to its scratch folder.
_SCRATCH: Final = b"size=256m,mode=755"
#: Files that numerical libraries read to know the processor; nothing else of /proc or /sys is shown.
_SYSTEM: Final = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/sys/devices/system/cpu")
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo")

_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def enter(root: Path, shown: Sequence[Path]) -> None:
    """Leave this process as the only one in a room that holds `shown`, read-only, and an empty /tmp, where it stands.

    `root` is an empty folder to build the room on. Call it before any thread is started: the process that returns is a
    child of the one that called, which waits for it and ends as it ends. Raises OSError where the kernel does not let.
    """
    if platform.machine() not in _PIVOT_ROOT:
        raise OSError(f"no closed room is known on {platform.machine()}")
    _unshare()
    _checked(_LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
    _checked(_LIBC.mount(b"tmpfs", bytes(root), b"tmpfs", _MS_NOSUID | _MS_NODEV, _SCRATCH))
    for path in (*map(Path, _SYSTEM), *map(Path, _DEVICES), *shown):
        _show(root, path)
    (root / "tmp").mkdir(exist_ok=True)
    os.chdir(root)
    _checked(_LIBC.syscall(_PIVOT_ROOT[platform.machine()], b".", b"."))
    _checked(_LIBC.umount2(b".", _MNT_DETACH))
    os.chdir("/tmp")  # noqa: S108 - the room's own
    _fork()
    _give_up_rights()


def limit(memory_bytes: int | None, parent: int) -> None:
    """Bound this process's memory, leave no core file, and end with the process that started it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    _die_with_parent()
    if os.getppid() != parent:
        os._exit(1)


def _unshare() -> None:
    uid, gid = os.getuid(), os.getgid()
    spaces = _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWUTS
    _checked(_LIBC.unshare(spaces))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{_NOBODY} {gid} 1")


def _show(root: Path, path: Path) -> None:
    """Bind a file or folder into the room under its own name, read-only; links are made again as links."""
    place = root / path.relative_to("/")
    if place.is_symlink() or not path.exists() or _is_inside(root, place):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        place.symlink_to(path.readlink())
        return
    if path.is_dir():
        place.mkdir(exist_ok=True)
    else:
        place.touch()
    _checked(_LIBC.mount(bytes(path), bytes(place), None, _MS_BIND | _MS_REC, None))
    held = os.statvfs(place).f_flag
    flags = _MS_BIND | _MS_REMOUNT | _MS_RDONLY | sum(flag for bit, flag in _KEPT.items() if held & bit)
    _checked(_LIBC.mount(None, bytes(place), None, flags, None))


def _is_inside(root: Path, place: Path) -> bool:
    """Whether something above `place` was bound already, so that it is there."""
    return any(os.path.ismount(above) for above in place.parents if above != root and root in above.parents)


def _fork() -> None:
    """Go on as process 1 of the new process namespace; the caller waits outside and ends in the same way."""
    child = os.fork()
    if child == 0:
        _die_with_parent()
        return
    for descriptor in (0, 1):
        os.close(descriptor)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)


def _give_up_rights() -> None:
    """No capability is left, not even over the room, and none can come back."""

    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    header = Header(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()  # two words each of effective, permitted, inheritable
    _checked(_LIBC.capset(ctypes.byref(header), ctypes.byref(nothing)))
    _checked(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _die_with_parent() -> None:
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
