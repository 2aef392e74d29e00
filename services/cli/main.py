"""The command `overread`: every command is registered here and imports what it needs only when it runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipelines.core.errors import OverreadError
from services.cli import (
    audit,
    db,
    demo,
    evaluate,
    keys,
    models,
    processes,
    queues,
    reprocess,
    retention,
    run,
    selftest,
    status,
    submit,
    up,
    users,
)
from services.cli.console import Exit, fail

app = typer.Typer(
    name="overread",
    help="Models read medical images first, a clinician reads last.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partly done.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("status")(status.status)
app.command("submit")(submit.submit)
app.command("run")(run.run)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(reprocess.app, name="reprocess")
app.add_typer(queues.app, name="queues")
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(db.app, name="db")
app.add_typer(audit.app, name="audit")
app.add_typer(retention.app, name="retention")
app.add_typer(selftest.app, name="selftest")
app.command("api")(processes.api)
app.command("worker")(processes.worker)
app.command("scheduler")(processes.scheduler)
app.command("dimse")(processes.dimse)


def print_version(asked: bool) -> None:
    """Print the version and end, where that was asked for."""
    if asked:
        from importlib.metadata import version

        print(version("overread"))
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """Models read medical images first, a clinician reads last."""


def main() -> None:
    """Run the command line; what Overread refuses is one sentence on standard error, never a traceback."""
    try:
        app()
    except OverreadError as error:
        fail(" ".join([error.sentence, *(f"({note})" for note in getattr(error, "__notes__", []))]))
    except OSError as error:
        fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    main()
