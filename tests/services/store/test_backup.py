"""Backup and restore, on both databases and from one to the other."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO

import pytest
import sqlalchemy as sa

from pipelines.core.errors import Conflict, DatabaseUnavailable
from services.settings import Settings
from services.store import audit, migrate, outbox, search, users, worklist
from services.store.backup import BackupDamaged, backup, restore
from services.store.blobs import Blobs
from services.store.check import check
from services.store.portable import shapes
from services.store.session import unit_of_work
from services.store.states import Role
from services.store.stores import Store, open_store
from services.store.tables import Table
from services.work.collect import remove_unreferenced
from tests.services.store.world import Sent, fill, publish, receive

Rows = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def filled(store: Store, tmp_path: Path) -> Store:
    """A store with rows everywhere, a sealed audit and numbered events."""
    reading = fill(store, tmp_path / "scratch")
    with unit_of_work(store.database) as session:
        audit.record(session, "system", "study.closed", reading.study_id, job=reading.job_id)
        outbox.emit(session, "study", reading.study_id, {"study": reading.study_id})
        worklist.project(session, reading.study_id)
        users.open_session(session, users.create_user(session, "anna", "long enough", Role.ADMIN).id, 1)
    audit.seal(store)
    outbox.number_rows(store)
    return store


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """Another machine: an empty data folder, SQLite."""
    return Settings(data_dir=tmp_path / "elsewhere", models_dir=tmp_path / "models")


def rows_of(store: Store) -> Rows:
    """Every row a backup carries, by table."""
    with unit_of_work(store.database, writing=False) as session:
        return {
            shape.name: sorted(
                (
                    tuple(map(str, row))
                    for row in session.execute(
                        sa.select(*(Table.metadata.tables[shape.name].c[name] for name in shape.columns))
                    )
                ),
            )
            for shape in shapes()
        }


def test_a_restored_system_has_every_row_and_file(
    each_store: Store, filled: Store, settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    report = backup(settings, tmp_path / "copy", "console")
    assert restore(elsewhere, tmp_path / "copy") == report
    with closing(open_store(elsewhere)) as restored:
        assert rows_of(restored) == rows_of(filled)
        verdict = audit.verify(restored)
        assert (verdict.intact, verdict.sealed) == (True, 1)
        with unit_of_work(restored.database, writing=False) as session:
            blob = session.scalars(sa.text("SELECT blob_sha256 FROM artifacts")).one()
            assert search.search_studies(session, "jane") != []
        assert restored.blobs.digest(blob) == blob
    assert report.blobs == 1


def test_a_backup_taken_while_studies_arrive_is_whole(
    store: Store, settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    stop, received = Event(), []

    def receive_all_the_time() -> None:
        while not stop.is_set():
            number = len(received)
            publish(store, tmp_path / "scratch", f"image {number}".encode())
            received.append(receive(store, Sent(f"image {number}", sop=f"1.{number}", study=f"2.{number}")))

    writer = Thread(target=receive_all_the_time)
    writer.start()
    wait_until(lambda: len(received) > 3)
    backup(settings, tmp_path / "copy", "console")
    stop.set()
    writer.join()
    restore(elsewhere, tmp_path / "copy")
    with closing(open_store(elsewhere)) as restored, unit_of_work(restored.database, writing=False) as session:
        blobs = session.scalars(sa.text("SELECT blob_sha256 FROM instances")).all()
        assert len(blobs) == session.scalar(sa.text("SELECT count(*) FROM studies")) > 3
        assert [restored.blobs.digest(blob) for blob in blobs] == list(blobs)
        assert len(blobs) <= len(received)


def test_what_is_collected_while_a_backup_runs_is_left_out(
    filled: Store, settings: Settings, elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = filled.blobs.publish_bytes(b"nobody's", "application/dicom", scratch=tmp_path / "scratch")
    with unit_of_work(filled.database) as session:
        filled.blobs.record(session, loose)
    opened = Blobs.open

    def collect_first(blobs: Blobs, sha256: str) -> BinaryIO:
        remove_unreferenced(filled, loose.sha256, -60.0)
        return opened(blobs, sha256)

    monkeypatch.setattr(Blobs, "open", collect_first)
    backup(settings, tmp_path / "copy", "console")
    restore(elsewhere, tmp_path / "copy")
    with closing(open_store(elsewhere)) as restored:
        assert check(restored).is_whole
        assert not restored.blobs.exists(loose.sha256)


def wait_until(reached: Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.postgresql
def test_a_backup_of_sqlite_restores_on_postgresql(
    filled: Store, settings: Settings, empty_postgresql: str, tmp_path: Path
) -> None:
    there = Settings(data_dir=tmp_path / "there", models_dir=tmp_path / "models", database_url=empty_postgresql)
    backup(settings, tmp_path / "copy", "console")
    restore(there, tmp_path / "copy")
    with closing(open_store(there)) as restored:
        assert rows_of(restored) == rows_of(filled)
        assert audit.verify(restored).intact


def test_history_stays_append_only_after_a_restore(
    filled: Store, settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    backup(settings, tmp_path / "copy", "console")
    restore(elsewhere, tmp_path / "copy")
    with (
        closing(open_store(elsewhere)) as restored,
        pytest.raises(sa.exc.IntegrityError, match="append-only"),
        unit_of_work(restored.database) as session,
    ):
        session.execute(sa.text("UPDATE audit SET actor = 'someone'"))


def test_nobody_is_logged_in_to_a_restored_system(
    filled: Store, settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    backup(settings, tmp_path / "copy", "console")
    restore(elsewhere, tmp_path / "copy")
    with closing(open_store(elsewhere)) as restored, unit_of_work(restored.database, writing=False) as session:
        assert session.scalar(sa.text("SELECT count(*) FROM sessions")) == 0
        assert users.authenticate(session, "anna", "long enough").name == "anna"


def test_a_restored_system_goes_on(filled: Store, settings: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy", "console")
    restore(elsewhere, tmp_path / "copy")
    with closing(open_store(elsewhere)) as restored:
        with unit_of_work(restored.database) as session:
            audit.record(session, "system", "after")
            outbox.emit(session, "study", None, {})
        assert (audit.seal(restored), outbox.number_rows(restored)) == (2, 1)  # the backup itself, and what came after
        assert audit.verify(restored).sealed == 3


def test_a_system_in_use_is_not_restored_over(filled: Store, settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy", "console")
    before = rows_of(filled)
    with pytest.raises(Conflict, match="not empty"):
        restore(settings, tmp_path / "copy")
    assert rows_of(filled) == before


def test_a_backup_is_its_owners_alone(filled: Store, settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy", "console")
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == stat.S_IRWXU


def test_a_backup_never_overwrites_another(filled: Store, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with pytest.raises(Conflict, match="exists already"):
        backup(settings, tmp_path / "copy", "console")


def damage_a_blob(copy: Path) -> None:
    """One byte of an image is another."""
    next((copy / "blobs").rglob("*/*")).write_bytes(b"imagf")


def lose_a_blob(copy: Path) -> None:
    """An image is gone."""
    next((copy / "blobs").rglob("*/*")).unlink()


def change_a_row(copy: Path) -> None:
    """A review says something else."""
    reviews = copy / "tables" / "reviews.jsonl"
    reviews.write_text(reviews.read_text().replace("accept", "reject"))


def lose_the_manifest(copy: Path) -> None:
    """The copying was broken off."""
    (copy / "manifest.json").unlink()


@pytest.mark.parametrize("damage", [damage_a_blob, lose_a_blob, change_a_row, lose_the_manifest])
def test_a_damaged_backup_is_refused_and_leaves_no_row(
    filled: Store, settings: Settings, elsewhere: Settings, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    backup(settings, tmp_path / "copy", "console")
    intact = restore_count(tmp_path / "copy")
    damage(tmp_path / "copy")
    with pytest.raises(BackupDamaged):
        restore(elsewhere, tmp_path / "copy")
    assert intact > 0
    assert migrate.current(elsewhere) is None or no_rows(elsewhere)


def restore_count(copy: Path) -> int:
    """How many blobs the backup says it holds."""
    return len(json.loads((copy / "manifest.json").read_text())["blobs"])


def no_rows(settings: Settings) -> bool:
    """Whether the database holds nothing but the site that the first migration makes."""
    with closing(open_store(settings)) as store:
        return {name for name, rows in rows_of(store).items() if rows} == {"sites"}


def test_a_damaged_blob_stops_the_backup(filled: Store, settings: Settings, tmp_path: Path) -> None:
    next((settings.data_dir / "blobs").rglob("*/*")).write_bytes(b"imagf")
    with pytest.raises(BackupDamaged):
        backup(settings, tmp_path / "copy", "console")
    assert not (tmp_path / "copy").exists()


def test_a_database_of_another_release_is_not_backed_up(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="db upgrade"):
        backup(settings, tmp_path / "copy", "console")
