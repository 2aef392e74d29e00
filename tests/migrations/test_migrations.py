"""The revisions, up and down on both databases; what is append-only is attacked after each step."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from pipelines.core.errors import Conflict, DatabaseUnavailable
from services.settings import Settings
from services.store import audit, batches, migrate, search
from services.store.batches import NewBatch
from services.store.session import open_database, unit_of_work
from services.store.states import BatchItemState
from services.store.stores import Store, open_store
from services.store.tables import (
    APPEND_ONLY,
    Alarm,
    BatchItem,
    BlindRead,
    Blob,
    ModelVersion,
    ReadingRule,
    Result,
    ReviewMask,
    SecondRead,
    Site,
    Table,
    User,
)
from tests.services.store.world import fill

ATTACKS = ("UPDATE {table} SET {column} = {column}", "DELETE FROM {table}")
ATTACKS_OF = {
    "sqlite": (*ATTACKS, "INSERT OR REPLACE INTO {table} SELECT * FROM {table}"),
    "postgresql": (*ATTACKS, "TRUNCATE {table} CASCADE"),
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of a system whose database is empty, on each database."""
    url = request.getfixturevalue("empty_postgresql") if request.param == "postgresql" else None
    return Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", database_url=url)


@pytest.fixture
def migrated(empty: Settings) -> Iterator[Store]:
    """The store of `empty` after the upgrade."""
    migrate.upgrade(empty)
    with closing(open_store(empty)) as store:
        yield store


def attack(store: Store, table: str) -> list[str]:
    """The statements that changed history where they must not."""
    column = next(iter(Table.metadata.tables[table].primary_key.columns)).name
    succeeded = []
    for statement in ATTACKS_OF[store.database.engine.dialect.name]:
        spoken = statement.format(table=table, column=column)
        try:
            with unit_of_work(store.database) as session:
                session.execute(sa.text(spoken))
        except sa.exc.IntegrityError as error:
            assert "is append-only" in str(error)
            continue
        succeeded.append(spoken)
    return succeeded


def fill_everything(store: Store, scratch: Path) -> None:
    """A row in every append-only table."""
    reading = fill(store, scratch)
    with unit_of_work(store.database) as session:
        audit.record(session, "system", "study.closed", reading.study_id)
        result = session.scalars(sa.select(Result)).first()
        reader, blob = session.scalars(sa.select(User)).first(), session.scalars(sa.select(Blob)).first()
        assert result is not None and reader is not None and blob is not None
        read = {"slot_id": result.slot_id, "result_id": result.id, "user_id": reader.id}
        rule = ReadingRule(name="a tenth", share=0.1, urgencies=[], created_by="system")
        session.add_all([rule, BlindRead(**read, findings=[])])
        session.flush()
        session.add(SecondRead(slot_id=result.slot_id, rule_id=rule.id, reason="share"))
        outline = {"media_type": "application/gzip", "bytes": blob.bytes, "blob_sha256": blob.sha256, "volumes": []}
        session.add(ReviewMask(**read, **outline, number=1))
    audit.seal(store)


def test_the_migrated_schema_is_that_of_the_tables(migrated: Store) -> None:
    with migrated.database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda _item, name, kind, *_: not (kind == "table" and "_fts" in name),
            },
        )
        assert compare_metadata(context, Table.metadata) == []


def test_every_append_only_table_refuses_every_change(migrated: Store, tmp_path: Path) -> None:
    fill_everything(migrated, tmp_path / "scratch")
    assert {table: attack(migrated, table) for table in APPEND_ONLY} == {table: [] for table in APPEND_ONLY}


def test_append_only_holds_after_going_back_and_forth(empty: Settings, tmp_path: Path) -> None:
    migrate.upgrade(empty)
    migrate.downgrade(empty)
    migrate.downgrade(empty)
    migrate.upgrade(empty)
    with closing(open_store(empty)) as store:
        fill_everything(store, tmp_path / "scratch")
        assert {table: attack(store, table) for table in APPEND_ONLY} == {table: [] for table in APPEND_ONLY}


def test_going_back_from_an_empty_system_leaves_nothing(empty: Settings) -> None:
    migrate.upgrade(empty)
    migrate.downgrade(empty)
    assert migrate.current(empty) == "0002"
    migrate.downgrade(empty)
    assert migrate.current(empty) == "0001"
    migrate.downgrade(empty)
    assert migrate.current(empty) is None
    with closing(open_store(empty)) as store, unit_of_work(store.database, writing=False) as session:
        assert sa.inspect(session.connection()).get_table_names() == ["alembic_version"]


def test_going_back_where_rows_would_be_lost_is_refused(empty: Settings) -> None:
    migrate.upgrade(empty)
    with closing(open_store(empty)) as store:
        with unit_of_work(store.database) as session:
            session.add(Site(name="second"))
            session.add(Alarm(code="disk_full", detail="The disk is full."))
            session.add(ReadingRule(name="a tenth", share=0.1, urgencies=[], created_by="system"))
        with pytest.raises(Conflict, match="would lose the rows of reading_rules"):
            migrate.downgrade(empty)
        assert migrate.current(empty) == migrate.newest()
        with unit_of_work(store.database) as session:
            session.execute(sa.delete(ReadingRule))
        migrate.downgrade(empty)
        with pytest.raises(Conflict, match="would lose the rows of alarms"):
            migrate.downgrade(empty)
        assert migrate.current(empty) == "0002"
        with unit_of_work(store.database) as session:
            session.execute(sa.delete(Alarm))
        migrate.downgrade(empty)
        with pytest.raises(Conflict, match="would lose the rows of sites"):
            migrate.downgrade(empty)
        with unit_of_work(store.database, writing=False) as session:
            assert session.scalar(sa.select(sa.func.count()).select_from(Site)) == 2
    assert migrate.current(empty) == "0001"


def test_going_back_where_a_reader_marked_what_a_night_changed_is_refused(empty: Settings, tmp_path: Path) -> None:
    migrate.upgrade(empty)
    with closing(open_store(empty)) as store:
        reading = fill(store, tmp_path / "scratch")
        with unit_of_work(store.database) as session:
            reader, version = session.scalars(sa.select(User)).first(), session.scalars(sa.select(ModelVersion)).first()
            assert reader is not None and version is not None
            asked = NewBatch("night", "retinopathy", version.id, {}, {}, {}, {}, "system")
            told = {"study_id": reading.study_id, "subject_kind": "study", "subject_id": reading.study_id}
            batch = batches.add_batch(session, asked)
            item = BatchItem(batch_id=batch.id, **told, state=BatchItemState.DONE, seen_by_id=reader.id)
            session.add(item)
        with pytest.raises(Conflict, match="would lose the rows of batch_items"):
            migrate.downgrade(empty)
        with unit_of_work(store.database) as session:
            session.execute(sa.update(BatchItem).values(seen_by_id=None))
        migrate.downgrade(empty)
    assert migrate.current(empty) == "0002"
    migrate.upgrade(empty)
    with closing(open_store(empty)) as store, unit_of_work(store.database, writing=False) as session:
        assert session.scalars(sa.select(BatchItem.seen_at)).all() == [None]


def test_upgrading_twice_changes_nothing(empty: Settings) -> None:
    migrate.upgrade(empty)
    migrate.upgrade(empty)
    assert migrate.current(empty) == migrate.newest()


def test_the_data_folder_is_its_owners_alone(empty: Settings) -> None:
    migrate.upgrade(empty)
    assert stat.S_IMODE(empty.data_dir.stat().st_mode) == stat.S_IRWXU


def test_asking_for_the_revision_makes_no_database(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert migrate.current(settings) is None
    with pytest.raises(DatabaseUnavailable, match="db upgrade"):
        migrate.require_current(settings)
    assert list(tmp_path.iterdir()) == []


def test_processes_that_open_one_new_file_at_once_all_get_it(tmp_path: Path) -> None:
    # SQLite answers "busy" at once to one of two that switch to WAL together: in about one of fifteen such rounds.
    raised: list[BaseException] = []
    for number in range(60):
        together = Barrier(4)
        threads = [Thread(target=connect, args=(tmp_path / f"{number}.sqlite", together, raised)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert raised == []


def connect(file: Path, together: Barrier, raised: list[BaseException]) -> None:
    """Open the database as every process does; what goes wrong is written down."""
    with closing(open_database(f"sqlite:///{file}")) as database:
        together.wait()
        try:
            database.engine.connect().close()
        except sa.exc.DBAPIError as error:
            raised.append(error)


def test_two_processes_upgrading_at_once_both_succeed(empty: Settings) -> None:
    empty.data_dir.mkdir(parents=True)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            migrate.upgrade_schema(empty, "head")
        except BaseException as error:  # noqa: BLE001 - a thread's failure has to reach the test
            raised.append(error)

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    assert migrate.current(empty) == migrate.newest()


def test_text_search_works_after_the_migration(migrated: Store, tmp_path: Path) -> None:
    reading = fill(migrated, tmp_path / "scratch")
    with unit_of_work(migrated.database, writing=False) as session:
        assert search.search_studies(session, "jane") == [reading.study_id]


def test_the_application_role_of_postgresql_cannot_change_history(empty_postgresql: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", database_url=empty_postgresql)
    owner = sa.create_engine(empty_postgresql, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with owner.connect() as connection:
        role = sa.text("SELECT 1 FROM pg_roles WHERE rolname = 'overread_app'")
        if connection.execute(role).first() is None:
            connection.exec_driver_sql("CREATE ROLE overread_app")
        migrate.upgrade(settings)
        privileges = {
            table.name: {
                word
                for word in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
                if connection.scalar(
                    sa.text("SELECT has_table_privilege('overread_app', :table, :word)"),
                    {"table": table.name, "word": word},
                )
            }
            for table in Table.metadata.sorted_tables
        }
    owner.dispose()
    changing = {"SELECT", "INSERT", "UPDATE", "DELETE"}
    adding = {"SELECT", "INSERT"}
    assert privileges == {
        table.name: adding if table.name in APPEND_ONLY else changing for table in Table.metadata.sorted_tables
    }


def test_revisions_import_neither_tables_nor_code() -> None:
    for path in (migrate.MIGRATIONS / "versions").glob("*.py"):
        assert "services" not in path.read_text(encoding="utf-8")
    assert ScriptDirectory(str(migrate.MIGRATIONS)).get_heads() == [migrate.newest()]
