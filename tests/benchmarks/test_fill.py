"""An archive filled for measuring is one that the services could have written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from sqlalchemy import select

from benchmarks.archive_answers import answers
from benchmarks.archive_people import Archive
from benchmarks.archive_visits import visits
from benchmarks.fill import fill
from services.store import audit, outbox, search, worklist
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Study, WorklistRow

STUDIES: Final = 400
NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
#: Said when the row is written, not what it shows.
WRITTEN: Final = "updated_at"


@pytest.fixture
def filled(each_store: Store) -> Store:
    """A store of 400 synthetic studies."""
    fill(each_store, STUDIES)
    return each_store


def shown(store: Store) -> Mapping[str, Mapping[str, Any]]:
    """The worklist's rows as they are; Any: values of columns."""
    with unit_of_work(store.database, writing=False) as session:
        rows = session.execute(select(WorklistRow.__table__)).mappings().all()
    return {row["id"]: {name: value for name, value in row.items() if name != WRITTEN} for row in rows}


def test_the_worklist_is_the_one_that_the_services_would_project(filled: Store) -> None:
    before = shown(filled)
    with unit_of_work(filled.database) as session:
        for study_id in session.scalars(select(Study.id)).all():
            worklist.project(session, study_id)
    assert len(before) == STUDIES
    assert shown(filled) == before


def test_its_audit_is_whole_and_its_newest_rows_can_be_sealed(filled: Store) -> None:
    verdict = audit.verify(filled)
    assert (verdict.intact, verdict.sealed + verdict.unsealed) == (True, STUDIES)
    assert audit.seal(filled) == verdict.unsealed


def test_its_events_go_on_without_a_gap_to_step_over(filled: Store) -> None:
    with unit_of_work(filled.database) as session:
        outbox.emit(session, "study", None, {})
    assert outbox.number_rows(filled) > 0


def test_its_studies_are_found_by_their_words(filled: Store) -> None:
    with unit_of_work(filled.database, writing=False) as session:
        assert len(search.search_studies(session, "a000000007")) == 1


def test_a_database_with_studies_is_not_filled_again(filled: Store) -> None:
    with pytest.raises(ValueError, match="holds studies already"):
        fill(filled, STUDIES)


def test_the_same_seed_draws_the_same_archive() -> None:
    archive = Archive(studies=50, backlog=5, readers=3, now=NOON)
    assert list(visits(archive, answers())) == list(visits(archive, answers()))
