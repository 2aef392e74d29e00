"""Opens this machine's own settings and store for the commands that need no running service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pipelines.core.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from services.settings import Settings
    from services.store.stores import Store

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the data; default: OVERREAD_DATA_DIR, else ./overread-data."),
]

#: Who acts when a person at the server's own command line does; not "system", since a person chose.
CONSOLE: Final = "console"


def read_settings(data: Path | None = None, **chosen: object) -> Settings:
    """Settings from the environment, overridden by what the command line chose.

    Raises BadRequest where a variable does not fit.
    """
    from pydantic import ValidationError
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from services.settings import Settings

    if data is not None:
        chosen["data_dir"] = data
    try:
        settings = Settings.model_validate({**Settings().model_dump(), **chosen})
        make_url(settings.resolved_database_url)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "OVERREAD_" + "_".join(str(part) for part in wrong["loc"]).upper()
        raise BadRequest(f"the setting {name} does not fit: {wrong['msg']}", code="bad_setting") from error
    except ArgumentError as error:
        raise BadRequest("the setting OVERREAD_DATABASE_URL is not a database URL", code="bad_setting") from error
    return settings


def made_settings(data: Path | None) -> Settings:
    """Settings of a database that is there, at this release's revision; raises NotFound where none was made yet."""
    from sqlalchemy.engine import make_url

    from services.store.migrate import require_current

    settings = read_settings(data)
    place = make_url(settings.resolved_database_url)
    if place.get_backend_name() == "sqlite" and not Path(str(place.database)).exists():
        raise NotFound(f"there is no database in {settings.data_dir}; `overread up` or `overread db upgrade` makes one")
    require_current(settings)
    return settings


@contextmanager
def opened_store(data: Path | None) -> Iterator[Store]:
    """The store of these data, closed at the end; raises NotFound where no database was made yet."""
    from services.store.stores import open_store

    store = open_store(made_settings(data))
    try:
        yield store
    finally:
        store.close()
