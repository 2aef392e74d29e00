"""`overread api`, `worker`, `scheduler` and `dimse`: one process each, for machines that supervise them otherwise."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.core.errors import BadRequest
from services.cli.local import read_settings


def api() -> None:
    """Serve HTTP until SIGTERM; settings come from the environment. The database must be at this release's revision."""
    from services.log import configure
    from services.store.migrate import require_current
    from services.worker.serve import serve_api

    settings = read_settings()
    require_current(settings)
    configure()
    serve_api(settings)


def worker(
    name: Annotated[
        str | None, typer.Option(help="How it signs its attempts; default: made from host and process.")
    ] = None,
) -> None:
    """Do queued jobs until SIGTERM; settings come from the environment."""
    from services.log import configure
    from services.store.migrate import require_current
    from services.worker.stops import hold_stops

    hold_stops()  # before any library starts a thread that would take them
    from services.worker.tasks import run_worker

    settings = read_settings()
    require_current(settings)
    configure()
    run_worker(settings, name)


def scheduler() -> None:
    """Do what is due by the clock (lost work, quiet studies, audit seals) until SIGTERM; one a deployment is enough."""
    from services.log import configure
    from services.store.migrate import require_current
    from services.worker.schedule import run_scheduler

    settings = read_settings()
    require_current(settings)
    configure()
    run_scheduler(settings)


def dimse() -> None:
    """Take DICOM objects (C-STORE) until SIGTERM; settings come from the environment, with OVERREAD_DIMSE_PORT."""
    from services.intake.dimse import run_listener
    from services.log import configure
    from services.store.migrate import require_current

    settings = read_settings()
    if not settings.dimse_port:
        raise BadRequest("set OVERREAD_DIMSE_PORT to the port to listen on", code="bad_setting")
    require_current(settings)
    configure()
    run_listener(settings)
