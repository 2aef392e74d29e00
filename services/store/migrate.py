"""The schema's way forward and back: runs the Alembic revisions, then brings grants and model bundles up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.pool import ConnectionPoolEntry

from pipelines.core.errors import Conflict, DatabaseUnavailable
from services.settings import OWNER_ONLY, Settings
from services.store.locks import Lock
from services.store.registration import seed
from services.store.session import open_database, outages, unit_of_work
from services.store.stores import open_store
from services.store.tables import APPEND_ONLY

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations"
APPLICATION_ROLE: Final = "overread_app"


def upgrade(settings: Settings) -> None:
    """Bring the database to the newest schema, creating it where there is none, and seed the bundles of `models_dir`.

    Safe to run from several processes at once; raises DatabaseUnavailable, ModelError.
    """
    upgrade_schema(settings, "head")
    with closing(open_store(settings)) as store:
        seed(store, settings.models_dir)


def upgrade_schema(settings: Settings, revision: str) -> None:
    """Bring the tables up to a revision, and nothing else."""
    settings.data_dir.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    with _migrating(settings) as connection:
        command.upgrade(_config(connection), revision)
        grant_application_role(connection)


def downgrade(settings: Settings) -> None:
    """Go one release back; raises Conflict (`downgrade_loses_rows`) where rows would be lost."""
    with _migrating(settings) as connection:
        try:
            command.downgrade(_config(connection), "-1")
        except InvalidRequestError as error:
            # How a revision refuses: it may not import our own errors.
            raise Conflict(f"the release stays: {error}", code="downgrade_loses_rows") from error


def current(settings: Settings) -> str | None:
    """The revision the database is at, None where it is empty."""
    with closing(open_database(settings.resolved_database_url)) as database:
        file = database.engine.url.database
        if database.is_sqlite and file is not None and not Path(file).exists():
            return None  # looking must not make a file
        with unit_of_work(database, writing=False) as session:
            return MigrationContext.configure(session.connection()).get_current_revision()


def newest() -> str | None:
    """The revision this release brings."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def require_current(settings: Settings) -> None:
    """Raise DatabaseUnavailable (`database_not_migrated`) unless the database is at this release's revision."""
    if current(settings) != newest():
        raise DatabaseUnavailable("the database needs `overread db upgrade`", code="database_not_migrated")


@contextmanager
def _migrating(settings: Settings) -> Iterator[Connection]:
    # One transaction for the whole way: both databases take their DDL back when it fails in the middle.
    database = open_database(settings.resolved_database_url)
    if database.is_sqlite:
        event.listen(database.engine, "connect", _let_tables_be_rebuilt)
    try:
        with outages(), database.engine.begin() as connection:
            if not database.is_sqlite:
                connection.execute(select(func.pg_advisory_xact_lock(int(Lock.MIGRATE))))
            yield connection
            if database.is_sqlite and (broken := connection.execute(text("PRAGMA foreign_key_check")).first()):
                raise Conflict(f"the migration would leave rows of {broken[0]} without what they refer to")
    finally:
        database.close()


def _let_tables_be_rebuilt(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # SQLite changes a table by building it anew, and dropping the old one must not count as deleting its rows.
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.close()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def grant_application_role(connection: Connection) -> None:
    """Give the PostgreSQL role `overread_app`, where it exists, just what the services need: no changing of history.

    Runs after every upgrade, so that a role made later, or a new table, is covered by the next one.
    """
    if connection.dialect.name != "postgresql":
        return
    role_exists = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if connection.execute(role_exists, {"role": APPLICATION_ROLE}).first() is None:
        return
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(APPEND_ONLY)} FROM {{role}}",
        "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON alembic_version FROM {role}",
    ):
        connection.execute(text(statement.format(role=APPLICATION_ROLE)))
