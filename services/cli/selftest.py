"""`overread selftest`: proofs that run on the real system."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from pipelines.core.errors import Conflict
from services.cli.console import Exit, JsonFlag, print_json, stdout

if TYPE_CHECKING:
    from rich.table import Table

    from services.selftest.chaos import Report

Member = TypeVar("Member", bound=StrEnum)
app = typer.Typer(no_args_is_help=True, help="Proofs that run on the real system.")
MINUTE: Final = 60.0
DEFAULT_MINUTES: Final = 2.0
SEEDS: Final = 2**31
VIOLATIONS_SHOWN: Final = 20


@app.callback()
def about() -> None:
    """Proofs that run on the real system."""


@app.command("chaos")
def chaos(
    minutes: Annotated[float | None, typer.Option("--minutes", min=0, help="How long to strike; default: 2.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0, help="The same in seconds.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed, the same plan; default: drawn.")] = None,
    database: Annotated[
        str,
        typer.Option("--database", help="sqlite, postgresql (a server of its own), or the URL of an empty database."),
    ] = "sqlite",
    broker: Annotated[
        str, typer.Option("--broker", help="valkey (embedded) or redis (needs redis-server).")
    ] = "valkey",
    strike: Annotated[list[str] | None, typer.Option("--strike", help="Only this kind of strike; repeatable.")] = None,
    plant: Annotated[
        str | None, typer.Option("--plant", help="Plant a bug that must be found: acknowledge-early or no-fence.")
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Keep data and logs in this new folder.")] = None,
    json: JsonFlag = False,
) -> None:
    """Start a whole system, strike it while studies come in, heal it, and prove that nothing was lost or doubled.

    It kills every process, wipes the broker, takes the database away, fills the disk, and sends poison, duplicates and
    late images. Ends with 1 where an invariant is violated; data and logs are kept then.
    """
    import logging

    from services.log import configure
    from services.selftest.bugs import Bug
    from services.selftest.chaos import Wishes, run
    from services.selftest.plan import Strike

    configure(logging.ERROR)  # processes that die are the point
    length = seconds if seconds is not None else (minutes if minutes is not None else DEFAULT_MINUTES) * MINUTE
    wishes = Wishes(
        seconds=length,
        seed=seed if seed is not None else secrets.randbelow(SEEDS),
        database=database,
        broker=broker,
        strikes=tuple(_member(Strike, one, "--strike") for one in strike or ()),
        bug=_member(Bug, plant, "--plant") if plant is not None else None,
    )
    folder = _folder(keep)
    report = run(wishes, folder, _tell)
    if report.holds and keep is None:
        shutil.rmtree(folder)
    if json:
        print_json(as_json(report))
    else:
        print_report(report, folder)
    raise SystemExit(Exit.OK if report.holds else Exit.FAILED)


def as_json(report: Report) -> dict[str, object]:
    """The report for a program."""
    wishes = report.wishes
    return {
        "holds": report.holds,
        "seed": wishes.seed,
        "seconds": round(report.seconds, 1),
        "database": wishes.database.split(":", 1)[0],  # never a URL, which may hold a password
        "broker": wishes.broker,
        "planted": wishes.bug,
        "strikes": dict(report.strikes),
        "visits": dict(report.visits),
        "files": report.files,
        "answers": {str(status): number for status, number in report.statuses.items()},
        "jobs": dict(report.jobs),
        "attempts": dict(report.attempts),
        "invariants": [
            {
                "name": verdict.invariant.name,
                "sentence": verdict.invariant.sentence,
                "holds": verdict.holds,
                "violations": list(verdict.violations),
            }
            for verdict in report.verdicts
        ],
    }


def print_report(report: Report, folder: Path) -> None:
    """The report for a person: what was done, and each invariant with what violates it."""
    from services.selftest.asking import BROKEN

    out = stdout()
    answers = {"broken": report.statuses.get(BROKEN, 0)} | {
        str(status): number for status, number in report.statuses.items() if status != BROKEN
    }
    for title, counts in (
        ("strikes", report.strikes),
        ("visits", report.visits),
        ("answers", answers),
        ("jobs", report.jobs),
        ("attempts", report.attempts),
    ):
        out.print(_counted(title, counts))
    out.print(_judged(report))
    for verdict in report.verdicts:
        for violation in verdict.violations[:VIOLATIONS_SHOWN]:
            out.print(f"{verdict.invariant.name}: {violation}", markup=False, style="red")
        hidden = len(verdict.violations) - VIOLATIONS_SHOWN
        if hidden > 0:
            out.print(f"{verdict.invariant.name}: and {hidden} more", style="red")
    ending = "everything holds" if report.holds else f"VIOLATED; data and logs are in {folder}"
    out.print(
        f"seed {report.wishes.seed}, {report.seconds:.0f} s, {report.files} files acknowledged: {ending}", markup=False
    )


def _counted(title: str, counts: Mapping[str, int]) -> Table:
    from rich.table import Table

    table = Table(title, "times", title_justify="left")
    for name, number in sorted(counts.items()):
        table.add_row(str(name), str(number))
    return table


def _judged(report: Report) -> Table:
    from rich.table import Table

    table = Table("invariant", "", "what must be true")
    for verdict in report.verdicts:
        state = "[green]ok[/]" if verdict.holds else f"[bold red]VIOLATED[/] ({len(verdict.violations)})"
        table.add_row(verdict.invariant.name, state, verdict.invariant.sentence)
    return table


def _member(kind: type[Member], value: str, option: str) -> Member:
    """The member of this value; raises a usage error that names them all."""
    try:
        return kind(value)
    except ValueError as error:
        raise typer.BadParameter(f"one of {', '.join(kind)}", param_hint=option) from error


def _folder(keep: Path | None) -> Path:
    """Where data and logs go; raises Conflict where something lies there."""
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="overread-selftest-"))
    keep.mkdir(parents=True, exist_ok=True)
    if any(keep.iterdir()):
        raise Conflict(f"{keep} is not empty: a self-test needs a folder of its own", code="data_in_use")
    return keep


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
