"""The whole system over PostgreSQL, and the way from there to one machine with SQLite."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.settings import Settings
from services.store import audit
from services.store.backup import backup, restore
from services.store.session import unit_of_work
from services.store.stores import open_store
from services.store.worklist_pages import WorklistFilters, list_rows

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]


def test_a_photograph_is_read_over_postgresql_and_moves_to_sqlite_by_backup(
    system_on_postgresql: Any,  # Any: the fixture's class lives in a conftest, which nothing imports
    retina_photo: Path,
    tmp_path: Path,
) -> None:
    system = system_on_postgresql
    [study] = system.submit(retina_photo, "P-1")["studies"]
    job = system.ended(study["jobs"][0])
    assert job["state"] == "succeeded"
    [item] = system.client.get("/studies").json()["items"]
    assert (item["id"], item["job_state"]) == (study["id"], "succeeded")
    found = system.client.post("/studies/search", json={"text": "p-1"}).json()["items"]
    assert [row["id"] for row in found] == [study["id"]]

    backup(system.system.settings, tmp_path / "copy", "console")
    there = Settings(data_dir=tmp_path / "there")
    restore(there, tmp_path / "copy")
    with closing(open_store(there)) as restored:
        assert audit.verify(restored).intact
        with unit_of_work(restored.database, writing=False) as session:
            rows = list_rows(session, restored.site_id, WorklistFilters(), None, 10)
            assert [(row.study_id, row.headline) for row in rows] == [(study["id"], item["headline"])]
