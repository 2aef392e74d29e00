"""A worker that is killed between saving a reconstruction and taking its series in: `python -m ... SETTINGS SERIES`."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from services.broker import SilentBell
from services.settings import Settings
from services.store.stores import open_store
from services.work import derived
from services.work.run import run_one
from tests.services.conftest import FakePipeline
from tests.services.work.made import SLICES, made_series, mr_slice


def die(*_: object) -> NoReturn:
    """As a kernel out of memory, or an operator, ends a process."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("killed")


def main() -> None:
    """Run the next reconstruction job of the system whose settings are the first argument; the second is its series."""
    settings = Settings.model_validate_json(sys.argv[1])
    derived.take_in = die
    slices = [mr_slice(number, series=sys.argv[2]) for number in range(1, SLICES + 1)]
    pipeline = FakePipeline(lambda subject, progress: made_series(subject, slices))
    store = open_store(settings)
    run_one(store, SilentBell(), settings, "reconstruction", "w1", lambda claim, model: pipeline)


if __name__ == "__main__":
    main()
