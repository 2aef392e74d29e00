"""`overread reprocess`: read an archive again overnight, watch it, and see whose finding changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.cli.batch_options import asking
from services.cli.console import Exit, JsonFlag, fail, print_json, progress_bar
from services.cli.local import CONSOLE, DataOption, opened_store, read_settings

if TYPE_CHECKING:
    from services.store.stores import Store
    from services.work.asked import BatchAsked

app = typer.Typer(no_args_is_help=True, help="Read an archive again overnight: batches.")

Id = Annotated[str, typer.Argument(metavar="BATCH", help="The batch's id, as `reprocess list` shows it.")]
POLL_SECONDS: Final = 1.0
SHOWN: Final = 50
ENDED: Final = frozenset({"finished", "failed", "cancelled"})
#: A batch as the API shows it. Any: JSON.
Document = dict[str, Any]


class Form(StrEnum):
    """How a summary is written."""

    TEXT = "text"  #: for the screen
    CSV = "csv"  #: one figure a line
    PDF = "pdf"  #: one page to print


def _preview(asked: BatchAsked, json: bool, data: Path | None) -> None:
    from services.api.batches import preview_view
    from services.work.preview import preview

    with opened_store(data) as store:
        told = preview_view(preview(store, read_settings(data), asked, anywhere=True)).model_dump(mode="json")
    if json:
        print_json(told)
        return
    share = told["counted_share"]
    print(f"model version   {told['model_version']}")
    print(f"looked at       {told['studies']}" + (f" ({share:.0%} of the archive)" if share not in (None, 1.0) else ""))
    print(f"to read         {told['to_read']}")
    print(f"read before     {told['already_read']}, settled without reading again")
    print(f"up to date      {told['up_to_date']}, left out")
    if told["hours"] is None:
        print("hours           not known: the pipeline has read nothing yet")
        return
    print(f"hours           {told['hours']:.1f} of one worker, {told['seconds_a_study']:.2f} s a study")
    if told["to_read"]:
        print(f"done            {_foreseen(told)}")


def _start(asked: BatchAsked, json: bool, data: Path | None) -> None:
    from services.work.reprocess import start

    with opened_store(data) as store:
        batch_id = start(store, read_settings(data), CONSOLE, asked, anywhere=True)
        document = _document(store, batch_id)
    _print(document, json)


app.command("preview", help="Count what a batch would read, and estimate hours and nights; nothing is written.")(
    asking(_preview)
)
app.command("start", help="Begin a batch: the scheduler plans it at once and reads in its window.")(asking(_start))


@app.command("list")
def listing(json: JsonFlag = False, data: DataOption = None) -> None:
    """List the newest batches."""
    from services.api.batches import batch_view
    from services.store import batches
    from services.store.session import unit_of_work
    from services.work.progress import progress_of

    with opened_store(data) as store, unit_of_work(store.database, writing=False) as session:
        rows = batches.newest_batches(session, None, SHOWN)
        documents = [batch_view(progress_of(session, row)).model_dump(mode="json") for row in rows]
    if json:
        print_json(documents)
        return
    for one in documents:
        print(f"{one['id']}  {one['state']:9} {one['progress']:4.0%}  {one['model_version']:10} {one['name']}")


@app.command("show")
def show(batch: Id, json: JsonFlag = False, data: DataOption = None) -> None:
    """Print a batch: state, counts, pace, nights, and when it will be done."""
    with opened_store(data) as store:
        _print(_document(store, batch), json)


@app.command("watch")
def watch(batch: Id, json: JsonFlag = False, data: DataOption = None) -> None:
    """Follow a batch with a progress bar until it has ended; 3 where some of it could not be read."""
    with opened_store(data) as store, progress_bar() as progress:
        bar = progress.add_task("reading", total=None)
        while (document := _document(store, batch))["state"] not in ENDED:
            ended, known = _ended(document)
            progress.update(bar, description=_line(document), completed=ended, total=known or None)
            time.sleep(POLL_SECONDS)
    _print(document, json)
    if document["state"] != "finished":
        fail(f"the batch is {document['state']}" + (f": {document['reason']}" if document["reason"] else ""))
    if document["items"]["failed"] or document["fetch_failures"]:
        raise SystemExit(Exit.PARTLY)


@app.command("pause")
def pause(batch: Id, json: JsonFlag = False, data: DataOption = None) -> None:
    """Begin nothing new; what runs ends."""
    from services.work.reprocess import pause as act

    _act(act, batch, json, data)


@app.command("resume")
def resume(batch: Id, json: JsonFlag = False, data: DataOption = None) -> None:
    """Let a paused batch go on in its window."""
    from services.work.reprocess import resume as act

    _act(act, batch, json, data)


@app.command("cancel")
def cancel(batch: Id, json: JsonFlag = False, data: DataOption = None) -> None:
    """End a batch; results stay."""
    from services.work.reprocess import cancel as act

    _act(act, batch, json, data)


@app.command("changes")
def changes(
    batch: Id,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, the gravest first.")] = SHOWN,
    unseen: Annotated[bool, typer.Option("--unseen", help="Only what no reader has looked at yet.")] = False,
    json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """List the studies whose finding changed, the gravest change first."""
    from services.api.changes import change_view
    from services.store.looks import Sought
    from services.work.changed import ChangesAsked, open_changes

    with opened_store(data) as store:
        opened, _ = open_changes(store, CONSOLE, None, ChangesAsked(Sought(batch, unseen=unseen), None, limit))
    documents = [change_view(one).model_dump(mode="json") for one in opened]
    if json:
        print_json(documents)
        return
    for one in documents:
        print(f"{one['study_id']}  {one['kind']:10} {one['weight']:6.1f}  {one['headline']}")


@app.command("summary")
def summary(
    batch: Id,
    form: Annotated[
        Form, typer.Option("--format", help="Lines for a person, one figure a line, or a page to print.")
    ] = Form.TEXT,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write it to this file.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="As things stand now, not as they stood at the end.")] = False,
    json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Print a batch's summary: counts, old against new, agreement with readers, failures by reason."""
    from services.work.summary import summary_of

    if form is Form.PDF and output is None:
        fail("a PDF needs a file: --output", Exit.USAGE)
    with opened_store(data) as store:
        found = summary_of(store, batch, fresh=fresh)
    if output is not None:
        output.write_bytes(_formed(found, form))
    elif json:
        print_json(found)
    else:
        print(_formed(found, form).decode().rstrip())


def _formed(found: Document, form: Form) -> bytes:
    from services.cli.summary_lines import summary_lines
    from services.work.summary_page import as_pdf
    from services.work.summary_table import as_csv

    if form is Form.PDF:
        return as_pdf(found)
    return (as_csv(found) if form is Form.CSV else "\n".join(summary_lines(found)) + "\n").encode()


def _act(act: Callable[[Store, str, str], None], batch_id: str, json: bool, data: Path | None) -> None:
    with opened_store(data) as store:
        act(store, CONSOLE, batch_id)
        document = _document(store, batch_id)
    _print(document, json)


def _document(store: Store, batch_id: str) -> Document:
    from services.api.batches import batch_view
    from services.store import batches
    from services.store.session import unit_of_work
    from services.work.progress import progress_of

    with unit_of_work(store.database, writing=False) as session:
        document: Document = batch_view(progress_of(session, batches.get_batch(session, batch_id))).model_dump(
            mode="json"
        )
        return document


def _print(document: Document, json: bool) -> None:
    if json:
        print_json(document)
        return
    ended, known = _ended(document)
    print(f"batch     {document['id']}  {document['name']}")
    print(f"state     {_line(document)}")
    print(f"reads     {document['pipeline']} with {document['model']} {document['model_version']}")
    print(f"subjects  {ended} of {known}{'' if document['planned'] else ' so far'} ended: {_counts(document['items'])}")
    if document["fetches"] is not None:
        print(f"fetched   {_counts(document['fetches'])}")
    for code, number in document["fetch_failures"].items():
        print(f"          {number} {code}")
    if document["expected_at"] and document["state"] not in ENDED:
        print(f"done      {_foreseen(document)}")


def _ended(document: Document) -> tuple[int, int]:
    """How many subjects have ended, of how many that are known."""
    items, waiting = document["items"], (document["fetches"] or {}).get("waiting", 0)
    known = sum(items.values()) + waiting
    return known - items["waiting"] - items["queued"] - waiting, known


def _counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in numbers.items() if number) or "none"


def _line(document: Document) -> str:
    pace = f"{document['per_hour']:.0f} an hour" if document["per_hour"] else None
    return ", ".join(str(word) for word in (document["state"], document["reason"], pace) if word)


def _foreseen(document: Document) -> str:
    from datetime import datetime

    if document["expected_at"] is None:
        return "not foreseen"
    nights = document["expected_nights"]
    moment = datetime.fromisoformat(document["expected_at"]).astimezone()
    return f"{moment:%Y-%m-%d %H:%M %Z}, in {nights} night{'' if nights == 1 else 's'}"
