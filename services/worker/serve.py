"""One process of the system by its role: `python -m services.worker.serve ROLE ...`, settings from the environment."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection

from services.log import configure
from services.settings import Settings
from services.worker.stops import hold_stops

#: Open event streams are cut after this, so that the API stops within seconds.
GOODBYE_SECONDS = 2


def serve_api(settings: Settings, descriptor: int | None = None) -> None:
    """Serve HTTP until SIGTERM or SIGINT, on an inherited listening socket where a supervisor holds one."""
    # pydicom loads every decoder there is when it is imported. The API decodes no pixel, and this one is 17 MB large.
    sys.modules["gdcm"] = None  # type: ignore[assignment]  # so an import of it fails, as pydicom expects
    import uvicorn

    # The application by name: its floor is beside ours. No access log: paths carry ids of strangers' making.
    config = uvicorn.Config(
        "services.api.app:app",
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=descriptor)] if descriptor is not None else None)


def main(argv: Sequence[str]) -> None:
    """Run one role: `api [DESCRIPTOR]`, `worker [NAME]`, `reader DESCRIPTOR`, `scheduler` or `dimse`."""
    configure()
    settings = Settings()
    # Each role imports what it needs when it is chosen: the API must not load a model's libraries, nor a reader Celery.
    match argv:
        case ["api", *rest]:
            serve_api(settings, int(rest[0]) if rest else None)
        case ["worker", *rest]:
            hold_stops()  # before any library starts a thread that would take them
            from services.worker.tasks import run_worker

            run_worker(settings, rest[0] if rest else None)
        case ["reader", descriptor]:
            from services.worker.reading import Shelf, serve

            serve(Connection(int(descriptor)), Shelf(settings))
        case ["scheduler"]:
            from services.worker.schedule import run_scheduler

            run_scheduler(settings)
        case ["dimse"]:
            from services.intake.dimse import run_listener

            run_listener(settings)
        case _:
            raise SystemExit("a role is api, worker, reader, scheduler or dimse")


if __name__ == "__main__":
    main(sys.argv[1:])
