"""Every question of a list, a queue or the scheduler finds its rows through an index, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.archive_answers import MODELS, VERSIONS
from benchmarks.fill import fill
from benchmarks.scale_asks import ASKS, WORKLIST, Ask, reading
from benchmarks.scale_world import World, look_around
from services.settings import Settings
from services.store import audit, audit_search, figures, lists, migrate
from services.store.session import unit_of_work
from services.store.stores import Store, open_store
from services.store.tables import AuditRow
from services.store.worklist_pages import WorklistFilters
from services.work.drift_watch import Counter
from tests.conftest import fresh_postgresql
from tests.services.store.plans import Plan, plans_of

STUDIES: Final = 1_000
#: Tables that grow with the archive: none may be walked for a question.
GROWING: Final = (
    "artifacts",
    "attempts",
    "audit",
    "audit_seals",
    "batch_items",
    "blobs",
    "current_results",
    "instances",
    "job_inputs",
    "jobs",
    "outbox",
    "patients",
    "result_figures",
    "results",
    "reviews",
    "search_texts",
    "series",
    "slots",
    "studies",
    "worklist",
)
INDEXES: Final = (
    ("worklist, first page", "ix_worklist_order"),
    ("worklist, any deep page", "ix_worklist_order"),
    ("by age", "ix_worklist_age"),
    ("unread", "ix_worklist_review"),
    ("signed, deep", "ix_worklist_review"),
    ("pipeline", "ix_worklist_pipeline"),
    ("pipeline, deep", "ix_worklist_pipeline"),
    ("modality, common", "ix_worklist_modality"),
    ("modality, rare, deep", "ix_worklist_modality"),
    ("urgency stat", "ix_worklist_urgency"),
    ("abstained", "ix_worklist_abstained"),
    ("open, deep", "ix_worklist_order"),
    ("ungradable", "ix_worklist_ungradable"),
    ("disagreement of the reader", "ix_worklist_disagreement"),
    ("disagreement of any kind", "ix_worklist_disagreement"),
    ("counted: everything", "ix_worklist_order"),
    ("counted: unread", "ix_worklist_review"),
    ("job failed", "ix_worklist_job_state"),
    ("receiving", "ix_worklist_study_state"),
    ("assigned to me, unread", "ix_worklist_assignee"),
    ("one day", "ix_worklist_day"),
    ("priors", "ix_studies_patient_id"),
    ("reference pictures", "ix_worklist_urgency"),
    ("QIDO: patient id", "ix_patients_patient_id"),
    ("QIDO: modality on a day", "ix_studies_day"),
    ("QIDO: rare modality", "ix_series_modality"),
    ("jobs, failed or quarantined", "ix_jobs_newest"),
    ("failures by reason", "ix_jobs_failures"),
    ("places in the queue of a page of jobs", "ix_jobs_claim"),
    ("claim and give back", "ix_jobs_claim"),
    ("sweep", "ix_jobs_lease"),
    ("due for closing", "ix_studies_quiet"),
    ("made series left out", "ix_artifacts_derived"),
    ("batch: counts by state", "ix_batch_items_state"),
    ("audit: of one actor", "ix_audit_actor"),
    ("audit: of one action, of a day", "ix_audit_action"),
    ("audit: actions there are", "ix_audit_action"),
    ("a model's days", "ix_result_figures_model"),
    ("a model's bins", "ix_result_figures_model"),
    ("a model's first results", "ix_result_figures_model"),
)
#: What is put together of several walks, or of a few days, is sorted: a page's worth of rows, or a few days'.
SORTED: Final = {"modality", "day", "a year", "any kind", "counted"}
IN_ORDER: Final = (
    *(ask.name for ask in WORKLIST if not any(word in ask.name for word in SORTED)),
    "audit: of one actor",
    "audit: of one action, of a day",
    "audit: actions there are",
)
#: Prometheus' counts look at one index of each table from end to end, as seldom as that takes long.
COUNTED: Final = "metrics, counted anew"
#: What people do, beside the one row a study that the filling writes.
ACTORS: Final = 30
ACTIONS: Final = 10


def by_actor(session: Session, world: World) -> object:
    """A page of what one did."""
    return lists.newest_first(session, AuditRow, None, 50, AuditRow.actor == "user:7")


def by_action(session: Session, world: World) -> object:
    """A page of what was done in one way, of a day."""
    now = datetime.now(UTC)
    day = audit_search.between(now - timedelta(days=1), now)
    return lists.newest_first(session, AuditRow, None, 50, AuditRow.action == "action.7", *day)


def days(session: Session, world: World) -> object:
    """A week of a model, by day."""
    return list(figures.figures_by_day(session, MODELS["retinopathy"], VERSIONS[-1], world.last_day - WEEK))


def bins(session: Session, world: World) -> object:
    """A week of a model's values, by day and bin."""
    model = (MODELS["retinopathy"], VERSIONS[-1])
    return figures.bins_by_day(session, *model, world.last_day - WEEK, "value", [0.1, 0.5])


def first_results(session: Session, world: World) -> object:
    """What a model's later weeks are compared with."""
    return figures.first_figures(session, MODELS["retinopathy"], VERSIONS[-1], 10)


WEEK: Final = timedelta(days=7)
WATCHING: Final = (
    Ask("audit: of one actor", reading(by_actor)),
    Ask("audit: of one action, of a day", reading(by_action)),
    Ask("audit: actions there are", reading(lambda session, _: audit_search.actions(session))),
    Ask("a model's days", reading(days)),
    Ask("a model's bins", reading(bins)),
    Ask("a model's first results", reading(first_results)),
)
NAMED: Final = {ask.name: ask for ask in (*ASKS, *WATCHING)}


def watch(store: Store) -> None:
    """What people do in a filled database, and its results counted; the planner is told of both."""
    with unit_of_work(store.database) as session:
        for number in range(ACTORS * ACTIONS):
            audit.record(session, f"user:{number % ACTORS}", f"action.{number % ACTIONS}")
    counter = Counter(store)
    while counter.after is not None:
        counter.round()
    with unit_of_work(store.database) as session:
        for table in ("audit", "result_figures"):
            session.execute(text(f"ANALYZE {table}"))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A database of synthetic studies, as real in its proportions as a large one."""
    folder = tmp_path_factory.mktemp("filled")
    with ExitStack() as opened:
        url = None
        if request.param == "postgresql":
            url = opened.enter_context(fresh_postgresql(request.getfixturevalue("postgresql_server")))
        settings = Settings(data_dir=folder, models_dir=folder / "none", database_url=url)
        migrate.upgrade(settings)
        store = opened.enter_context(closing(open_store(settings)))
        fill(store, STUDIES)
        watch(store)
        world = look_around(store, settings)
        # Deep pages begin among the unread: PostgreSQL expects few rows behind one that is signed, so that any index
        # would be as good in a table as small as this.
        unread = [place for place in world.places if place.rank < WorklistFilters().signed_rank]
        yield replace(world, places=tuple(unread))


def asked(world: World, name: str) -> list[Plan]:
    """The plans of one question."""
    return plans_of(world.store, partial(NAMED[name].ask, world))


@pytest.mark.parametrize(("name", "index"), INDEXES)
def test_a_question_finds_its_rows_through_its_index(filled: World, name: str, index: str) -> None:
    plans = asked(filled, name)
    assert any(index in line for plan in plans for line in plan.lines), "\n".join(map(str, plans))


@pytest.mark.parametrize("name", [name for name in NAMED if name != COUNTED])
def test_no_question_walks_a_table_that_grows(filled: World, name: str) -> None:
    assert [plan for plan in asked(filled, name) for table in GROWING if plan.reads_whole(table)] == []


@pytest.mark.parametrize("name", IN_ORDER)
def test_a_page_of_the_worklist_is_read_in_the_order_of_an_index(filled: World, name: str) -> None:
    assert [str(plan) for plan in asked(filled, name) if plan.sorts] == []
