"""`overread users`: who may log in, and as what."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from services.cli.console import JsonFlag, print_json
from services.cli.local import CONSOLE, DataOption, opened_store
from services.store.states import Role

app = typer.Typer(no_args_is_help=True, help="People who may log in.")

Name = Annotated[str, typer.Argument(help="The name to log in with.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it once.")]
GENERATED_BYTES = 15


@app.command("add")
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="technician sends, clinician reads and signs, admin runs it.")],
    generate: Generate = False,
    password_stdin: FromStdin = False,
    data: DataOption = None,
) -> None:
    """Add a user."""
    from services.store import audit, users
    from services.store.session import unit_of_work

    with opened_store(data) as store:
        password = new_password(generate, password_stdin)
        with unit_of_work(store.database) as session:
            user = users.create_user(session, name, password, role)
            audit.record(session, CONSOLE, "user.added", user=user.id, role=role)
    print(f"{name} may log in as {role}" + (f", password {password}" if generate else ""))


@app.command("list")
def show(json: JsonFlag = False, data: DataOption = None) -> None:
    """List the users."""
    from services.store import users
    from services.store.session import unit_of_work

    with opened_store(data) as store, unit_of_work(store.database, writing=False) as session:
        rows = [
            {"id": user.id, "name": user.name, "role": user.role, "disabled": user.disabled_at is not None}
            for user in users.list_users(session)
        ]
    if json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['name']:24} {row['role']:12} {'disabled' if row['disabled'] else ''}".rstrip())


@app.command("disable")
def disable(name: Name, data: DataOption = None) -> None:
    """Lock a user out; what the user signed stays."""
    from services.store import audit, users
    from services.store.session import unit_of_work

    with opened_store(data) as store, unit_of_work(store.database) as session:
        user = users.find_user(session, name)
        users.disable_user(session, user.id)
        audit.record(session, CONSOLE, "user.disabled", user=user.id)
    print(f"{name} is locked out")


@app.command("passwd")
def passwd(name: Name, generate: Generate = False, password_stdin: FromStdin = False, data: DataOption = None) -> None:
    """Give a user a new password; open sessions end."""
    from services.store import audit, users
    from services.store.session import unit_of_work

    with opened_store(data) as store:
        password = new_password(generate, password_stdin)
        with unit_of_work(store.database) as session:
            user = users.find_user(session, name)
            users.set_password(session, user.id, password)
            audit.record(session, CONSOLE, "user.password_set", user=user.id)
    print(f"{name} has a new password" + (f": {password}" if generate else ""))


def new_password(generate: bool, from_stdin: bool) -> str:
    """A generated password, the first line of standard input, or what a person types twice without seeing it."""
    if generate:
        return secrets.token_urlsafe(GENERATED_BYTES)
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked
