"""Where a worker's models run: the device's name over all hosts, its limit of jobs, and the memory ladder on it."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from services.settings import Settings
from services.store.states import MemoryStep

#: Of the column that holds it; a host's name may be as long as that alone.
NAME_LENGTH = 64
GPU = "cuda"
CPU = "cpu"
#: NVIDIA's own switch, read once by a process that loads CUDA: the GPUs it may see. Empty: none.
VISIBLE = "CUDA_VISIBLE_DEVICES"


def on_gpu(settings: Settings) -> bool:
    """Whether the settings name a GPU."""
    return settings.device.startswith(GPU)


def device_of(settings: Settings) -> str:
    """Host and device, as claims name them: `reading-room-2/cuda:0`."""
    device = settings.device or CPU
    return f"{socket.gethostname()[: NAME_LENGTH - len(device) - 1]}/{device}"


def device_limit(settings: Settings) -> int | None:
    """How many workers of this host may hold jobs on the device at once; None: any number."""
    if settings.device_jobs:
        return settings.device_jobs
    return 1 if on_gpu(settings) else None


def last_step(settings: Settings) -> MemoryStep:
    """The lowest step of the memory ladder on this worker's device."""
    return MemoryStep.CPU if on_gpu(settings) else MemoryStep.LESS


def visible_gpus(settings: Settings, step: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """What a reading process must find in its environment, so that it computes where it should.

    `inherited` is the worker's own environment: where that shows some GPUs alone, numbers count those.
    """
    if not on_gpu(settings) or step >= MemoryStep.CPU:
        return {VISIBLE: ""}
    _, _, number = settings.device.partition(":")
    if not number:
        return {}
    given = [name for name in inherited.get(VISIBLE, "").split(",") if name]
    return {VISIBLE: given[int(number)] if int(number) < len(given) else number}
