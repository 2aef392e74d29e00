"""What opening a study costs: as many statements for many results as for few."""

from __future__ import annotations

from sqlalchemy import event

from pipelines.core.types import Artifact
from services.store.states import Role
from services.work.access import Looker, open_study
from tests.services.api.conftest import Reader, Web
from tests.services.conftest import reading


def statements(web: Web, looker: Looker, study_id: str) -> int:
    """How often the database is asked, the look itself having left its trace before."""
    asked: list[str] = []

    def ask(*seen: object) -> None:
        asked.append(str(seen[2]))

    open_study(web.store, looker, study_id)
    event.listen(web.store.database.engine, "before_cursor_execute", ask)
    try:
        opened = open_study(web.store, looker, study_id)
    finally:
        event.remove(web.store.database.engine, "before_cursor_execute", ask)
    assert all(len(one.artifacts) == 1 for one in opened.results)
    return len(asked)


def test_a_study_of_many_results_is_opened_with_as_many_statements_as_one_of_few(web: Web, reader: Reader) -> None:
    answer = reading(artifacts=(Artifact("L-1-overlay.png", "overlay", "image/png", b"pixels"),))
    looker = Looker("user:tests", 300.0, web.user(Role.CLINICIAN, "carol"))
    first = reader.read("read often", answer)
    few = statements(web, looker, first.study_id)
    for _ in range(3):
        reader.read("read often", answer)
    assert statements(web, looker, first.study_id) == few
