"""`overread up`: the whole system on one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.console import JsonFlag, print_json, stdout
from services.cli.local import DataOption, read_settings

if TYPE_CHECKING:
    from services.cli.system import Login
    from services.worker.embedded import System

PortOption = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Port of the API; 0 takes a free one. Default: 8000.")
]


def up(port: PortOption = None, data: DataOption = None, json: JsonFlag = False) -> None:
    """Start everything on this machine and stay until Ctrl-C or SIGTERM; what was stored stays.

    The first start makes a login and an API key and prints them, once.
    """
    from services.cli.system import first_login, running

    settings = read_settings(data, **({} if port is None else {"port": port}))
    with running(settings) as system:
        login = first_login(system.settings)
        if json:
            print_json(announcement(system, login))
        else:
            greet(system, login)
        system.wait()


def announcement(system: System, login: Login | None) -> dict[str, object]:
    """The one line for a program; no secrets from the second start on, since only their hashes are kept."""
    from services.cli.system import FIRST_USER

    return {
        "url": system.url,
        "api_key": login.api_key if login else None,
        "user": login.user if login else FIRST_USER,
        "password": login.password if login else None,
        "database": system.settings.resolved_database_url,
        "pids": system.pids,
    }


def greet(system: System, login: Login | None) -> None:
    """Say where it is, how to get in and how to stop it."""
    out = stdout()
    out.print(f"Overread is ready at [bold cyan]{system.url}[/]")
    if login:
        out.print(f"\n  user      {login.user}", markup=False)
        out.print(f"  password  {login.password}", markup=False)
        out.print(f"  API key   {login.api_key}", markup=False)
        out.print("\nThey are shown this once. `overread users passwd` sets another password.", style="dim")
    else:
        out.print("Log in as before; `overread users` and `overread keys` make logins and keys.", style="dim")
    out.print(f"Data and logs: {system.settings.data_dir}. Ctrl-C stops it.", style="dim", markup=False)
