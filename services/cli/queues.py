"""`overread queues`: what waits and runs, and a person's hand on it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from pipelines.core.errors import BadRequest
from services.cli.console import JsonFlag, print_json
from services.cli.local import CONSOLE, DataOption, opened_store

app = typer.Typer(no_args_is_help=True, help="Queues of jobs: what waits and runs, pause, resume, limit.")

QueueArgument = Annotated[str, typer.Argument(help="The queue's name, see `queues list`.")]
ANY = "any"


@app.command("list")
def show(json: JsonFlag = False, data: DataOption = None) -> None:
    """List the queues with what waits and runs in each."""
    from services.work import queues

    with opened_store(data) as store:
        states = queues.states(store)
    if json:
        print_json([{**asdict(each), "waiting_since": _utc(each.waiting_since)} for each in states])
        return
    for each in states:
        limit = each.running_limit if each.running_limit is not None else ANY
        print(
            f"{each.name:24} {each.queued:7} waiting {each.held:7} held {each.running:5} running"
            f"  limit {limit}{'  paused' if each.paused else ''}"
        )


@app.command("pause")
def pause(name: QueueArgument, data: DataOption = None) -> None:
    """Let nothing of a queue begin; what runs ends as it would."""
    from services.work import queues

    with opened_store(data) as store:
        queues.pause(store, name, CONSOLE)
    print(f"{name} is paused")


@app.command("resume")
def resume(name: QueueArgument, data: DataOption = None) -> None:
    """Let a paused queue go on; workers hear of it within seconds."""
    from services.broker import SilentBell
    from services.work import queues

    with opened_store(data) as store:
        # The scheduler rings for what is due; the embedded broker's address is known to its own system alone.
        queues.resume(store, SilentBell(), name, CONSOLE)
    print(f"{name} goes on")


@app.command("limit")
def limit(
    name: QueueArgument,
    workers: Annotated[str, typer.Argument(help="How many workers may be at it at once, or `any`.")],
    data: DataOption = None,
) -> None:
    """Limit the workers that are at a queue at once; ends nothing that runs."""
    from services.broker import SilentBell
    from services.work import queues

    if workers != ANY and not workers.isdecimal():
        raise BadRequest("a limit is a number, or `any`", code="bad_limit")
    with opened_store(data) as store:
        queues.limit(store, SilentBell(), name, None if workers == ANY else int(workers), CONSOLE)
    print(f"{name}: {workers} at once")


def _utc(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
