"""`overread db`: the database's way forward and back, and copies of all data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import Exit, JsonFlag, print_json
from services.cli.local import CONSOLE, DataOption, made_settings, opened_store, read_settings

if TYPE_CHECKING:
    from services.store.check import StoreReport

app = typer.Typer(no_args_is_help=True, help="The database and copies of all data.")


@app.command("upgrade")
def upgrade(data: DataOption = None) -> None:
    """Bring the database to this release, make it where there is none, and register the models that came with it."""
    from services.store import migrate

    settings = read_settings(data)
    before = migrate.current(settings) if settings.data_dir.exists() else None
    migrate.upgrade(settings)
    after = migrate.current(settings)
    print(f"the database is at {after}" + ("" if before in {None, after} else f" (it was at {before})"))


@app.command("downgrade")
def downgrade(data: DataOption = None) -> None:
    """Go one release back; refused where rows would be lost."""
    from services.store import migrate

    settings = read_settings(data)
    migrate.downgrade(settings)
    print(f"the database is at {migrate.current(settings) or 'nothing: it is empty'}")


@app.command("current")
def current(json: JsonFlag = False, data: DataOption = None) -> None:
    """Say which revision the database is at; ends with 1 where it is not this release's."""
    from services.store import migrate

    settings = read_settings(data)
    found, newest = migrate.current(settings), migrate.newest()
    if json:
        print_json({"revision": found, "newest": newest, "current": found == newest})
    else:
        print(f"{found or 'empty'}" + ("" if found == newest else f"; `overread db upgrade` brings it to {newest}"))
    raise SystemExit(Exit.OK if found == newest else Exit.FAILED)


@app.command("check")
def check(
    fast: Annotated[
        bool, typer.Option("--fast", help="Only whether each file is there with its size; nothing is read.")
    ] = False,
    json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Read and hash every stored file that a row refers to; ends with 1 where one is missing or damaged."""
    from services.store.check import check as check_store

    with opened_store(data) as store:
        report = check_store(store, deep=not fast)
    if json:
        print_json(asdict(report))
    else:
        _print_lost(report)
    raise SystemExit(Exit.OK if report.is_whole else Exit.FAILED)


def _print_lost(report: StoreReport) -> None:
    belongs = {one.sha256: one for one in report.affected}
    for kind, digests in (("missing", report.missing), ("damaged", report.damaged)):
        for sha256 in digests:
            of = belongs.get(sha256)
            place = f" ({of.kind} {of.id}" + (f" of study {of.study})" if of.study else ")") if of else ""
            print(f"{kind}: sha256 {sha256}{place}")
    print(
        f"{report.checked} files checked: {report.missing_count} missing, {report.damaged_count} damaged; "
        f"{report.unreferenced} more that nothing refers to"
    )
    if not report.is_whole:
        print("images come back when they are sent again, and everything from the folder `blobs` of a backup")


@app.command("backup")
def backup(
    target: Annotated[Path, typer.Argument(help="Where the copy goes; must not exist yet.")],
    json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Copy database and files consistently, also while Overread runs."""
    from services.store.backup import backup as copy

    report = copy(made_settings(data), target, CONSOLE)
    if json:
        print_json(asdict(report))
    else:
        print(f"kept {report}")


@app.command("restore")
def restore(
    source: Annotated[Path, typer.Argument(exists=True, help="What `db backup` made.")],
    data: DataOption = None,
) -> None:
    """Put a copy back into an empty place; every file's hash is checked."""
    from services.store.backup import restore as bring_back

    print(f"brought back {bring_back(read_settings(data), source)}")
