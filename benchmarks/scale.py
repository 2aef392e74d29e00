"""`python -m benchmarks scale`: how long each question takes on a filled database, median and 95th percentile."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, seconds, table
from benchmarks.scale_asks import ASKS, Ask
from benchmarks.scale_http import asks, served
from benchmarks.scale_world import World, look_around
from services.settings import Settings
from services.store.stores import open_store

REPEATS: Final = 40
WARM_UP: Final = 5
NEARLY_ALL: Final = 0.95


def main(arguments: Sequence[str]) -> int:
    """Ask everything, or what is named; 1 where an answer took longer than promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scale", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("overread-filled"), help="folder of the SQLite database")
    parser.add_argument("--database-url", help="or the URL of a filled PostgreSQL database")
    parser.add_argument("--only", default="", help="questions whose name holds this word")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    chosen = parser.parse_args(arguments)
    settings = Settings(data_dir=chosen.data, database_url=chosen.database_url)
    with closing(open_store(settings)) as store:
        world = look_around(store, settings)
        figures = [_figure(ask, world, chosen.repeats) for ask in ASKS if chosen.only in ask.name]
        if not chosen.only:
            with served(settings) as client:
                figures += [_figure(ask, world, chosen.repeats) for ask in asks(client)]
    if chosen.json:
        print(json.dumps([asdict(figure) for figure in figures]))
    else:
        print(f"{platform.machine()}, {store.database.engine.dialect.name}\n\n{table(figures)}")
    return int(any(figure.reached is False for figure in figures))


def _figure(ask: Ask, world: World, repeats: int) -> Figure:
    print(f"asking: {ask.name} ...", file=sys.stderr, flush=True)
    for _ in range(WARM_UP):
        ask.ask(world)
    taken = sorted(seconds(partial(ask.ask, world)) * 1000 for _ in range(repeats))
    late = taken[min(int(len(taken) * NEARLY_ALL), len(taken) - 1)]
    promised = f"p95 <= {ask.most_ms:.0f} ms" if ask.most_ms else ""
    reached = late <= ask.most_ms if ask.most_ms else None
    return Figure(ask.name, statistics.median(taken), "ms", f"p95 {late:.1f} ms", None, promised, reached)
