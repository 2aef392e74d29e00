"""`overread models`: which models there are, and which one answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.comparison import comparison_lines
from services.cli.console import JsonFlag, print_json
from services.cli.local import CONSOLE, DataOption, opened_store, read_settings

if TYPE_CHECKING:
    from services.store.stores import Store

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
        print(f"{row['name']:24} {row['version']:10} {row['state']:11} {row['pipeline']:14} {row['sha256'][:12]}")


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
    trust: Annotated[
        bool, typer.Option("--trust", help="Let the bundle's own code run, shut off from network and files; audited.")
    ] = False,
    automatic: Annotated[
        bool, typer.Option("--automatic", help="It reads every series of its modality, not only those sent for it.")
    ] = False,
    name: Annotated[str | None, typer.Option("--name", help="Its name here; default: the folder's.")] = None,
    modality: Annotated[
        str | None, typer.Option("--modality", help="DICOM modality it reads, where its metadata does not say.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Register a bundle: a model of one of Overread's pipelines, or any MONAI bundle as the model zoo ships them.

    The first version of a MONAI bundle is in use at once; `promote` puts any other version to use. A bundle that cannot
    be run is refused with what is missing or not allowed.
    """
    from services.store import models, registration
    from services.store.session import unit_of_work

    with opened_store(data) as store:
        if _is_ours(folder):
            made = registration.add_bundle(store, folder, CONSOLE)
        else:
            made = _add_zoo(store, folder, data, trust, automatic, name, modality)
        with unit_of_work(store.database, writing=False) as session:
            row = models.get_version(session, made)
            state = models.events_of(session, made)[-1].state
            found, version = row.name, row.version
    if state == "active":
        print(f"{found} {version} is in use: send a series with pipeline={found}")
    else:
        print(f"{found} {version} is registered; `overread models promote {found} {version}` puts it to use")


def _is_ours(folder: Path) -> bool:
    """Whether the folder says that it is a model of one of the release's pipelines."""
    import json

    from pipelines.registry import ENTRIES

    try:
        facts = json.loads((folder / "configs" / "metadata.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(facts, dict) and facts.get("name") in {entry.model for entry in ENTRIES.values()}


def _add_zoo(
    store: Store, folder: Path, data: Path | None, trust: bool, automatic: bool, name: str | None, modality: str | None
) -> str:
    from pipelines.core.zoo import Trust
    from pipelines.nets.zoo_check import Wishes
    from pipelines.nets.zoo_folder import open_folder
    from pipelines.nets.zoo_open import check
    from services.store.zoo import add_zoo_bundle

    isolated = not read_settings(data).trusted_without_isolation
    wishes = Wishes(Trust.CODE if trust else Trust.NONE, automatic, name, modality)
    return add_zoo_bundle(store, folder, check(folder, wishes, isolated), open_folder(folder).metadata, CONSOLE)


@app.command("promote")
def promote(name: Name, version: Version, reason: Reason, data: DataOption = None) -> None:
    """Make a version the one that answers from now on, and keep how it compared; its predecessor stays registered.

    Studies that were read stay as they are; `overread reprocess` reads them again.
    """
    from services.work import models

    with opened_store(data) as store:
        models.promote(store, CONSOLE, name, version, reason)
    print(f"{name} {version} is active; `overread reprocess preview` says what reading the archive again would take")


@app.command("shadow")
def shadow(name: Name, version: Version, reason: Reason, data: DataOption = None) -> None:
    """Let a version read every new study silently, beside the one in use; `compare` shows what it would change."""
    from services.work import models

    with opened_store(data) as store:
        models.shadow(store, CONSOLE, name, version, reason)
    print(f"{name} {version} reads silently; `overread models compare {name} --version {version}` compares")


@app.command("compare")
def compare(
    name: Name,
    version: Annotated[str | None, typer.Option("--version", help="The candidate; default: the newest shadow.")] = None,
    json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Compare a version with the one in use, on all images that both have read, and both with what readers signed."""
    from services.work.comparison import comparison_of

    with opened_store(data) as store:
        figures = comparison_of(store, name, version)
    if json:
        print_json(figures)
        return
    print("\n".join(comparison_lines(figures)))


@app.command("rollback")
def rollback(name: Name, reason: Reason, data: DataOption = None) -> None:
    """Put the version that was in use before back, and keep how the two compare."""
    from services.work import models

    with opened_store(data) as store:
        version = models.roll_back(store, CONSOLE, name, reason)
    print(f"{name} {version} is active again")


@app.command("retire")
def retire(name: Name, version: Version, reason: Reason, data: DataOption = None) -> None:
    """Take a version out of use; a pipeline without an active version reads nothing."""
    from services.work import models

    with opened_store(data) as store:
        models.retire(store, CONSOLE, name, version, reason)
    print(f"{name} {version} is retired")
