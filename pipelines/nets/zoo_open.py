"""Opens a bundle's folder by the trust it has: interpreted in this process, or its own code in a closed one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from pipelines.core.zoo import Trust, ZooBundle
from pipelines.nets.zoo_check import Wishes, described, rehearse, takes_slices
from pipelines.nets.zoo_folder import open_folder
from pipelines.nets.zoo_model import build
from pipelines.nets.zoo_room import RoomRunner
from pipelines.nets.zoo_run import LocalRunner, Runner


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle that can be run."""

    bundle: ZooBundle
    runner: Runner


def opened(
    folder: Path, wishes: Wishes, isolated: bool, memory_bytes: int | None = None, *, checking: bool = False
) -> Opened:
    """The bundle as a runner, with what is known of it; raises BundleRefused naming what is missing or not run.

    With `isolated` a trusted bundle's code runs only where this machine can shut it off: else IsolationUnavailable.
    `checking`: the network is rehearsed, which only an unknown bundle needs.
    """
    read = open_folder(folder)
    if wishes.trust is Trust.CODE:
        room = RoomRunner(read.folder, isolated, memory_bytes)
        try:
            return Opened(described(read, room.takes_slices, room.weights, wishes), room)
        except BaseException:
            room.close()
            raise
    model = build(read)
    if checking:
        rehearse(model, read)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    weights = model.weights.relative_to(read.folder).as_posix()
    return Opened(described(read, takes_slices(model), weights, wishes), LocalRunner(model, device))


def check(folder: Path, wishes: Wishes, isolated: bool = True) -> ZooBundle:
    """The bundle, if it can be run here; raises BundleRefused, IsolationUnavailable."""
    found = opened(folder, wishes, isolated, checking=True)
    found.runner.close()
    return found.bundle
