"""What every command shares: exit codes, plain output, machine-readable output and progress bars."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

DEFAULT_URL: Final = "http://127.0.0.1:8000"
UrlOption = Annotated[str, typer.Option("--url", envvar="OVERREAD_URL", help="Address of the running Overread.")]
KeyOption = Annotated[
    str,
    typer.Option(
        "--key", envvar="OVERREAD_API_KEY", help="API key; as a variable it stays out of the list of processes."
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of text for a person.")]


class Exit(IntEnum):
    """How a command ended; docs/cli.md lists them."""

    OK = 0  #: everything was done
    FAILED = 1  #: nothing, or not the thing asked for, was done; the sentence on standard error says why
    USAGE = 2  #: the command line is not well formed
    PARTLY = 3  #: some of it was done; the output says what was not
    INTERRUPTED = 130  #: Ctrl-C; what was stored stays stored


def fail(sentence: str, code: Exit = Exit.FAILED) -> NoReturn:
    """Say one sentence on standard error and end with this exit code."""
    print(f"overread: {sentence}", file=sys.stderr, flush=True)
    raise SystemExit(code)


def print_json(document: object) -> None:
    """One JSON document on one line of standard output."""
    print(json.dumps(document, ensure_ascii=False), flush=True)


def stdout() -> Console:
    """The console for a person; plain text where the output is no terminal."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error, with counts and time left; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


@contextmanager
def steps_bar() -> Iterator[Callable[[str, float], None]]:
    """A bar on standard error for one thing that is done in named steps: tell it the step and the share done, 0-1."""
    with progress_bar() as progress:
        bar = progress.add_task("reading", total=100)

        def show(step: str, share: float) -> None:
            progress.update(bar, description=step, completed=round(share * 100))

        yield show
