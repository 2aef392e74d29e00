"""Where a worker's models run: the device's name over all hosts, its limit of jobs, and the memory ladder on it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.settings import Settings
from services.store.states import MemoryStep

#: Of the column that holds it; a host's name may be as long as that alone.
NAME_LENGTH = 64
GPU = "cuda"
CPU = "cpu"
#: NVIDIA's own switch, read once by a process that loads CUDA: the GPUs it may see. Empty: none.
VISIBLE = "CUDA_VISIBLE_DEVICES"
#: Where the driver shows a GPU: a device file each, or the one of Windows' Linux subsystem.
DEVICE_FILES: Final = ("nvidia[0-9]*", "dxg")
#: How the version of a PyTorch ends that knows no GPU.
CPU_BUILD: Final = "+cpu"
#: CUDA stops at the first number in its switch that is no GPU.
NO_GPU: Final = frozenset({"", "-1"})


class Cuda(BaseSettings):
    """NVIDIA's own switches, as the environment has them; an empty one hides every GPU."""

    model_config = SettingsConfigDict(env_prefix="CUDA_", frozen=True, extra="ignore")

    visible_devices: str | None = None


def gpu_is_here(devices: Path = Path("/dev")) -> bool:
    """Whether a reading process would find a GPU: asked of the driver's files, since no worker loads torch itself."""
    shown = Cuda().visible_devices
    if shown is not None and shown.split(",")[0].strip() in NO_GPU:
        return False
    if not any(True for pattern in DEVICE_FILES for _ in devices.glob(pattern)):
        return False
    return not version("torch").endswith(CPU_BUILD)


def on_gpu(settings: Settings) -> bool:
    """Whether models run on a GPU: as the settings say, else wherever there is one."""
    return settings.device.startswith(GPU) if settings.device else gpu_is_here()


def device_of(settings: Settings) -> str:
    """Host and device, as claims name them: `reading-room-2/cuda:0`."""
    device = settings.device or (GPU if gpu_is_here() else CPU)
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

    `inherited` is the worker's own environment: where that shows some GPUs alone, numbers count those. Without a device
    in the settings the process looks for itself.
    """
    if settings.device == CPU or step >= MemoryStep.CPU:
        return {VISIBLE: ""}
    _, _, number = settings.device.partition(":")
    if not number:
        return {}
    given = [name for name in inherited.get(VISIBLE, "").split(",") if name]
    return {VISIBLE: given[int(number)] if int(number) < len(given) else number}
