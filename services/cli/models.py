"""`overread models`: which models there are, and which one answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.console import JsonFlag, print_json
from services.cli.local import CONSOLE, DataOption, opened_store

app = typer.Typer(no_args_is_help=True, help="Model versions: registered, shadow, active, retired.")

Name = Annotated[str, typer.Argument(help="The model's name.")]
Version = Annotated[str, typer.Argument(help="The model's version.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the model's history.")]


@app.command("list")
def listing(json: JsonFlag = False, data: DataOption = None) -> None:
    """List all versions, newest first."""
    from services.store import models
    from services.store.session import unit_of_work

    with opened_store(data) as store, unit_of_work(store.database, writing=False) as session:
        rows = [
            {
                "name": stated.version.name,
                "version": stated.version.version,
                "pipeline": stated.version.pipeline,
                "state": stated.state.value,
                "sha256": stated.version.weights_sha256,
            }
            for stated in models.list_versions(session)
        ]
    if json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['name']} {row['version']:10} {row['state']:11} {row['pipeline']:14} {row['sha256'][:12]}")


@app.command("show")
def show(name: Name, version: Version, json: JsonFlag = False, data: DataOption = None) -> None:
    """Print a version's card and history."""
    from services.store import models
    from services.store.session import unit_of_work

    with opened_store(data) as store, unit_of_work(store.database, writing=False) as session:
        row = models.find_version(session, name, version)
        history = [
            {"state": event.state, "actor": event.actor, "reason": event.reason, "at": event.created_at.isoformat()}
            for event in models.events_of(session, row.id)
        ]
        facts, card, weights = row.facts, row.card, row.weights_sha256
    if json:
        print_json({"name": name, "version": version, "sha256": weights, "facts": facts, "history": history})
        return
    print(card.rstrip() + "\n\nHistory")
    for event in history:
        print(f"  {event['at']}  {event['state']:11} by {event['actor']}: {event['reason']}")


@app.command("add")
def add(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The bundle's folder.")],
    data: DataOption = None,
) -> None:
    """Register a bundle folder; its weights must have the hash that it pins. `promote` puts it to use."""
    from services.store import models
    from services.store.session import unit_of_work

    with opened_store(data) as store:
        made = models.add_bundle(store, folder, CONSOLE)
        with unit_of_work(store.database, writing=False) as session:
            row = models.get_version(session, made)
            name, version = row.name, row.version
    print(f"{name} {version} is registered; `overread models promote {name} {version}` puts it to use")


@app.command("promote")
def promote(name: Name, version: Version, reason: Reason, data: DataOption = None) -> None:
    """Make a version the one that answers from now on; its predecessor stays registered."""
    from services.work import models

    with opened_store(data) as store:
        models.promote(store, CONSOLE, name, version, reason)
    print(f"{name} {version} is active")


@app.command("retire")
def retire(name: Name, version: Version, reason: Reason, data: DataOption = None) -> None:
    """Take a version out of use; a pipeline without an active version reads nothing."""
    from services.work import models

    with opened_store(data) as store:
        models.retire(store, CONSOLE, name, version, reason)
    print(f"{name} {version} is retired")
