"""`overread keys`: keys for programs that send studies or fetch results."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.console import JsonFlag, print_json
from services.cli.local import CONSOLE, DataOption, opened_store
from services.store.states import Role

app = typer.Typer(no_args_is_help=True, help="API keys for programs.")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What the key is for, for people to read.")],
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.TECHNICIAN,
    json: JsonFlag = False,
    data: DataOption = None,
) -> None:
    """Make a key and print it once; only its hash is kept."""
    from services.store import audit, users
    from services.store.session import unit_of_work

    with opened_store(data) as store, unit_of_work(store.database) as session:
        made = users.create_key(session, name, role, CONSOLE)
        audit.record(session, CONSOLE, "key.added", key=made.id, role=role)
    if json:
        print_json({"id": made.id, "key": made.key})
    else:
        print(f"{made.key}\nKeep it: it cannot be shown again. To revoke it: overread keys revoke {made.id}")


@app.command("list")
def show(json: JsonFlag = False, data: DataOption = None) -> None:
    """List the keys, newest first; the keys themselves are not kept."""
    from services.store import users
    from services.store.session import unit_of_work

    with opened_store(data) as store, unit_of_work(store.database, writing=False) as session:
        rows = [
            {"id": key.id, "name": key.name, "role": key.role, "revoked": key.revoked_at is not None}
            for key in users.list_keys(session)
        ]
    if json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['id']}  {row['role']:12} {'revoked  ' if row['revoked'] else ''}{row['name']}")


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, see `keys list`.")], data: DataOption = None
) -> None:
    """End a key at once."""
    from services.store import audit, users
    from services.store.session import unit_of_work

    with opened_store(data) as store, unit_of_work(store.database) as session:
        users.revoke_key(session, key_id)
        audit.record(session, CONSOLE, "key.revoked", key=key_id)
    print(f"{key_id} is revoked")
