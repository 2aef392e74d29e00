"""`python -m benchmarks`: runs every benchmark, or those named, and prints one table of medians and ratios."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import asdict
from importlib import import_module

from benchmarks.figures import Figure, table

#: Each module has `measure() -> list[Figure]`; one that needs a program that is not installed says so and gives none.
BENCHMARKS = (
    "inference_engine",
    "segmentation",
    "grad_cam",
    "latency",
    "upload",
    "reconstruction",
    "report_files",
    "reading_room",
)

#: Each has `main(arguments) -> int`: `fill` makes a database, the others measure on one that the arguments name.
WITH_ARGUMENTS = ("fill", "scale", "engine", "reprocess")


def main() -> int:
    """Measure and print; 1 where a target was missed. Those with arguments of their own run alone."""
    if sys.argv[1:2] and sys.argv[1] in WITH_ARGUMENTS:
        return int(import_module(f"benchmarks.{sys.argv[1]}").main(sys.argv[2:]))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which; default: all")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    chosen = parser.parse_args()
    figures: list[Figure] = []
    for name in chosen.names or BENCHMARKS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        figures += import_module(f"benchmarks.{name}").measure()
    if chosen.json:
        print(json.dumps([asdict(figure) for figure in figures]))
    else:
        print(f"{platform.machine()}, Python {platform.python_version()}\n\n{table(figures)}")
    return int(any(figure.reached is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
