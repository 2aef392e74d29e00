"""What the system keeps: the database and the blobs, opened together and passed on as one value."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.settings import Settings
from services.store.blobs import Blobs
from services.store.room import Quota
from services.store.session import Database, open_database

#: The site that migration 0001 makes: one deployment serves one site unless an admin adds others.
DEFAULT_SITE_ID = "00000000000000000000000001"


@dataclass(frozen=True)
class Store:
    """A database and a blob store that belong together."""

    database: Database
    blobs: Blobs
    site_id: str = DEFAULT_SITE_ID

    def at(self, site_id: str | None) -> Store:
        """The same store, where what comes in belongs to this site; None: to the one it belongs to already."""
        return self if site_id is None else replace(self, site_id=site_id)

    def close(self) -> None:
        """Give back all connections."""
        self.database.close()


def open_store(settings: Settings) -> Store:
    """Open the database and the blobs of these settings; nothing is created and nothing migrated (see migrate)."""
    database = open_database(settings.resolved_database_url, settings.database_busy_seconds)
    quota = Quota(database, settings.blob_quota_bytes) if settings.blob_quota_bytes else None
    return Store(database, Blobs(settings.resolved_blob_url, quota))
