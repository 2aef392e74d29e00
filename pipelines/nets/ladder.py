"""What to do where memory is short: smaller batches, then smaller windows, then the CPU, then a clear refusal.

Memory is predicted before anything is loaded; where a prediction was too kind and memory ends all the same, the next
rung is tried. Every step down is written into the receipt, since another window gives slightly other numbers.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import torch

from pipelines.core.errors import OutOfMemory

Shape = tuple[int, int, int]
Answer = TypeVar("Answer")

FULL: Final = "full"
CPU: Final = "cpu"
CUDA: Final = "cuda"
_FLOAT32_BYTES: Final = 4
#: Maps of the first level's channels that live at once where a U-Net is widest: the way down's own, the concatenation
#: (two) and the convolution's input and output. Counted from the network's form, not measured.
_MAPS_AT_ONCE: Final = 5
#: All levels below the first together: 1/8 + 1/64 + ...
_LOWER_LEVELS: Final = 8 / 7
#: Of a window's side, on the way down.
_SHARES: Final = (1.0, 0.75, 0.5)
_MEBIBYTE: Final = 2**20
#: What PyTorch's CPU allocator and OpenVINO say, in a RuntimeError, where memory ends.
EXHAUSTED: Final = ("can't allocate memory", "bad_alloc", "bad alloc", "out of memory", "CL_OUT_OF")
#: Without a limit of our own: what part of the memory that the machine calls free may be used.
_SHARE_OF_FREE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run: window in voxels, windows a batch, device; `down` says in what it is less than the full one."""

    window: Shape
    batch: int
    device: str
    down: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As the receipt states it: "full", or the steps down."""
        return ", ".join(self.down) or FULL

    def bytes(self, filters: int) -> int:
        """What the network's activations take at most; `filters` are the channels of its first level."""
        x, y, z = self.window
        return int(x * y * z * self.batch * filters * _MAPS_AT_ONCE * _LOWER_LEVELS * _FLOAT32_BYTES)


def rungs(window: Shape, batch: int, device: str, step: int) -> list[Rung]:
    """From the full way down: half the batch, one window a batch, windows of 3/4 and of 1/2 a side, then the CPU.

    The sides of a window stay multiples of `step`, which a U-Net's way down asks for.
    """
    batches = list(dict.fromkeys((batch, max(1, batch // 2), 1)))
    windows = list(dict.fromkeys(_lesser(window, share, step) for share in _SHARES))
    sizes = [(window, each) for each in batches] + [(each, 1) for each in windows if each != window]
    devices = list(dict.fromkeys((device, CPU)))
    return [
        Rung(each, count, place, _down(each, count, place, full=Rung(window, batch, device)))
        for place in devices
        for each, count in sizes
    ]


def descend(
    ladder: Sequence[Rung], needed: Callable[[Rung], int], free: Callable[[str], int], attempt: Callable[[Rung], Answer]
) -> tuple[Answer, Rung]:
    """The first answer on the way down, and the rung that gave it.

    `needed` predicts a rung's bytes, `free` says how many there are on a device; `attempt` may raise MemoryError, after
    which everything it held is let go. Raises OutOfMemory (code volume_too_large) below the last rung.
    """
    for rung in ladder:
        if needed(rung) > free(rung.device):
            continue
        try:
            return attempt(rung), rung
        except MemoryError:
            release()
    raise refusal(needed(ladder[-1]), free(ladder[-1].device))


def refusal(needed: int, free: int) -> OutOfMemory:
    """Why a volume is not even begun, with the numbers."""
    return OutOfMemory(
        "the volume needs more memory than there is, even in the smallest steps",
        code="volume_too_large",
        needed_mib=needed // _MEBIBYTE,
        free_mib=max(0, free) // _MEBIBYTE,
    )


def release() -> None:
    """Let go of what an attempt that failed left behind, on the GPU too: MONAI Label #1397 kept it until a restart."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def keep_within(share: float) -> None:
    """Let this process take at most a share, 0-1, of a GPU's memory from now on; nothing to do without a GPU."""
    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(share)


def out_of_memory(error: Exception) -> OutOfMemory | None:
    """OutOfMemory where `error` is how a network's library says that memory ended, what it held let go; else None."""
    is_so = isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in EXHAUSTED)
    )
    if not is_so:
        return None
    release()
    return OutOfMemory()


def free_memory(device: str, limit: int | None) -> int:
    """Bytes that may still be taken on a device; `limit` is what this process may hold in all on the machine."""
    if device == CUDA:
        free, total = torch.cuda.mem_get_info()
        allowed = int(total * torch.cuda.get_per_process_memory_fraction())
        return min(free, allowed - torch.cuda.memory_reserved())
    if limit is not None:
        return limit - _held()
    return int(_available() * _SHARE_OF_FREE)


def _lesser(window: Shape, share: float, step: int) -> Shape:
    """A window of at most this share of its sides."""
    x, y, z = (max(1, int(side * share) // step) * step for side in window)
    return x, y, z


def _down(window: Shape, batch: int, device: str, full: Rung) -> tuple[str, ...]:
    """In what a rung is below the full one."""
    steps = (
        (device != full.device, device),
        (batch != full.batch, f"batch {batch}"),
        (window != full.window, f"window {window[0]}x{window[1]}x{window[2]}"),
    )
    return tuple(step for is_down, step in steps if is_down)


def _held() -> int:
    """Resident bytes of this process, 0 where the system does not say (proc(5))."""
    for line in _lines("/proc/self/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def _available() -> int:
    """Bytes that the machine can give without swapping; without bound where it does not say (proc(5))."""
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 2**62


def _lines(path: str) -> list[str]:
    place = Path(path)
    return place.read_text(encoding="ascii", errors="replace").splitlines() if place.is_file() else []
