"""`overread demo`: the system, started and given photographs, an MR series and raw data as any sender would.

A rule asks for second readers, and a candidate model reads beside the one in use, then all again as a night would.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import fail, stdout
from services.cli.local import read_settings
from services.cli.up import PortOption

if TYPE_CHECKING:
    from services.cli.client import Document, Service
    from services.cli.samples import Sample
    from services.cli.system import Login
    from services.settings import Settings

ExitFlag = Annotated[bool, typer.Option("--exit", help="Stop when the findings are printed.")]
DemoData = Annotated[
    Path | None, typer.Option("--data", help="Keep the data in this new folder; default: gone when the demo ends.")
]


def demo(exit: ExitFlag = False, port: PortOption = None, data: DemoData = None) -> None:
    """Start everything, send photographs and a brain, print what was found, and stay until Ctrl-C."""
    from services.cli.client import connected
    from services.cli.demo_night import prepare, read_again
    from services.cli.system import first_login, running
    from services.cli.waiting import print_findings

    out = stdout()
    out.print("Starting database, broker, API, worker and scheduler ...", style="dim")
    with demo_folder(data) as folder, running(demo_settings(folder, port)) as system:
        login = first_login(system.settings)
        if login is None:
            fail(f"{folder} is in use already: a demo needs a folder of its own")
        out.print(f"Overread is ready at [bold cyan]{system.url}[/]")
        invite(login)
        with connected(system.url, login.api_key) as service, tempfile.TemporaryDirectory() as scratch:
            prepare(service, system.settings, Path(scratch))
            samples, studies = send_samples(service, Path(scratch))
            print_findings(system.url, studies, [sample.title for sample in samples])
            print_night(system.url, read_again(service))
        out.print("\nLog in as above to see the heat-maps and to sign.", style="bold")
        unread = sum(not any(result["current"] for result in study["results"]) for study in studies)
        if unread:
            fail(f"{unread} of {len(studies)} studies were not read; {system.settings.logs_dir} says more")
        if not exit:
            out.print("Ctrl-C stops it.", style="dim")
            system.wait()


@contextmanager
def demo_folder(data: Path | None) -> Iterator[Path]:
    """The folder of the demo's data: a temporary one unless it should be kept, or something went wrong."""
    folder = data or Path(tempfile.mkdtemp(prefix="overread-demo-"))
    try:
        yield folder
    except KeyboardInterrupt:
        forget(folder, data)
        raise
    forget(folder, data)


def forget(folder: Path, kept: Path | None) -> None:
    """Remove the demo's data where nobody asked to keep them."""
    if kept is None:
        shutil.rmtree(folder)


def demo_settings(folder: Path, port: int | None) -> Settings:
    """Settings of a system of its own, whatever the environment names; a free port where the usual one is taken."""
    own = {"database_url": None, "broker_url": None, "blob_url": None, "host": "127.0.0.1"}
    settings = read_settings(folder, **own, **({} if port is None else {"port": port}))
    if port is None and not is_free(settings.port):
        return settings.model_copy(update={"port": 0})
    return settings


def is_free(port: int) -> bool:
    """Whether nobody listens on this loopback port now."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def send_samples(service: Service, folder: Path) -> tuple[list[Sample], list[Document]]:
    """Send each sample as one visit, as a program of a clinic would, and wait until all are read."""
    from services.cli.samples import write_samples
    from services.cli.waiting import wait_for

    samples = write_samples(folder)
    sent = []
    for sample in samples:
        answer = service.send(sample.paths, sample.fields)
        sent += [study["id"] for study in answer["studies"]]
    stdout().print(f"Sent {sum(len(sample.paths) for sample in samples)} files of {len(sent)} patients by REST.")
    return samples, wait_for(service, sent)


def print_night(url: str, batch: Document) -> None:
    """Say what reading again has brought, and where to look at it."""
    out = stdout()
    out.print(f"\nRead again by {batch['model']} {batch['model_version']}", style="bold")
    out.print(f"  {batch['state']}: {batch['items']['done']} patients; who changes stands there:", markup=False)
    out.print(f"  {url}/batches/{batch['id']}", style="cyan")


def invite(login: Login) -> None:
    """Say how to log in, as soon as there is somewhere to."""
    out = stdout()
    out.print(f"  user      {login.user}", markup=False)
    out.print(f"  password  {login.password}", markup=False)
    out.print(f"  API key   {login.api_key}\n", markup=False)
