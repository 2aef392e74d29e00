"""How Alembic reaches the database: by the connection it is handed, or by the settings when run by hand."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.sql.schema import SchemaItem

from services.settings import Settings
from services.store.session import open_database
from services.store.tables import Table

FULL_TEXT_TABLE = "search_texts_fts"  # and its shadow tables: SQLite's own, written out in the revisions


def belongs_to_metadata(item: SchemaItem, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """Whether autogenerate looks at this item."""
    return not (kind == "table" and reflected and (name or "").startswith(FULL_TEXT_TABLE))


def migrate(connection: Connection) -> None:
    """Run the revisions in the connection's transaction; its owner commits."""
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        include_object=belongs_to_metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    migrate(handed)
else:
    with open_database(Settings().resolved_database_url).engine.begin() as own:
        migrate(own)
