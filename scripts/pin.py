"""Writes constraints.txt: the exact version of every installed package, the same file on every machine."""

from __future__ import annotations

import re
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

CONSTRAINTS: Final = Path(__file__).resolve().parent.parent / "constraints.txt"
#: Part of every environment, and never a dependency of ours.
LEFT_OUT: Final = frozenset({"overread", "pip"})
HEADER: Final = """\
# Exact versions that were tested together, for Python 3.11 to 3.13; written by `make pin`.
# PyTorch stands without +cpu or +cu...: scripts/setup.py chooses the build.
"""


def main() -> int:
    """Write the file; local versions such as +cpu, which belong to one machine, are cut off."""
    pins = {
        re.sub(r"[-_.]+", "-", found.name).lower(): found.version.split("+")[0]
        for found in distributions()
        if found.name.lower() not in LEFT_OUT and not found.name.startswith(("nvidia-", "cuda-", "triton"))
    }
    CONSTRAINTS.write_text(HEADER + "".join(f"{name}=={version}\n" for name, version in sorted(pins.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
