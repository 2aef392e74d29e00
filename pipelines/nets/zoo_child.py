"""The closed process of a trusted bundle: shuts itself off, loads the bundle's code, answers on its pipes.

Started by zoo_room.py as `python -m pipelines.nets.zoo_child FOLDER ROOT ISOLATED MEMORY PARENT SHOWN...`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pipelines.nets.zoo_isolation import enter, limit

#: How the child says that there is no room to be had: an exit status of its own, before any message.
NO_ROOM = 71  # EX_OSERR, sysexits.h


def main() -> None:
    """Close the door, then serve."""
    folder, root, isolated, memory, parent, *shown = sys.argv[1:]
    limit(int(memory) or None, int(parent))
    answers = os.dup(sys.stdout.fileno())
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, sys.stdout.fileno())
    try:
        enter(Path(root), [Path(path) for path in (*shown, folder)])
    except OSError:
        if isolated == "yes":
            sys.exit(NO_ROOM)
    # Only now: torch starts threads, and a process with threads cannot enter a user namespace.
    from pipelines.nets.zoo_trusted import serve

    serve(Path(folder), answers)


if __name__ == "__main__":
    main()
