"""Runs one role of a system under test: as `services.worker.serve`, with the faults and the bug that are planted."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from services.selftest import faults
from services.selftest.bugs import Bug, plant
from services.selftest.faults import Faults
from services.settings import Settings
from services.store import room
from services.worker import serve

#: How long a count of the stored bytes counts: short enough for a strike of a second.
COUNT_SECONDS = 0.3


def main(argv: Sequence[str]) -> None:
    """Run the role that `argv` names."""
    notes = Faults.of(Settings())
    faults.install(notes)
    room.QUOTA_SECONDS = COUNT_SECONDS  # type: ignore[misc]
    if notes.bug is not None:
        plant(Bug(notes.bug))
    serve.main(argv)


if __name__ == "__main__":
    main(sys.argv[1:])
