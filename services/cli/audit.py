"""`overread audit`: proves that nobody changed the record of who did what."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.console import Exit, JsonFlag, fail, print_json
from services.cli.local import DataOption, opened_store

app = typer.Typer(no_args_is_help=True, help="The append-only record of who did what.")


@app.callback()
def about() -> None:
    """The append-only record of who did what."""


@app.command("verify")
def verify(
    known: Annotated[
        str | None,
        typer.Option("--known", help="NUMBER:HASH that an earlier verify printed; finds an end cut off too."),
    ] = None,
    json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Walk the hash chain from its beginning; ends with 1 where a row was changed, cut out or put in."""
    from services.store import audit

    link = audit.read_link(known) if known is not None else None
    with opened_store(data) as store:
        verdict = audit.verify(store, link)
    if json:
        print_json(
            {
                "intact": verdict.intact,
                "sealed": verdict.sealed,
                "unsealed": verdict.unsealed,
                "broken": verdict.broken,
                "head": str(verdict.head),
            }
        )
        raise SystemExit(Exit.OK if verdict.intact else Exit.FAILED)
    if not verdict.intact:
        fail(f"the audit chain is broken: {verdict.broken}")
    print(f"{verdict.sealed} audit rows are as they were written; {verdict.unsealed} wait for their seal")
    print(f"write this down, and give it to the next verify as --known: {verdict.head}")
