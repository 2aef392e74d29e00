"""`python -m benchmarks fill`: a database of synthetic studies, as large as asked for, to measure on.

Headers, results, reviews, jobs, events, audit and two batches have the shape of real ones; no bytes lie behind the
images.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.archive_answers import MODELS, VERSIONS, Answer, answers, digest_of
from benchmarks.archive_people import Archive, Person, id_of, people
from benchmarks.archive_rows import rows
from benchmarks.archive_sql import Archived
from benchmarks.archive_tables import MOST_IMAGES, Tables, filling
from benchmarks.archive_visits import Visit, visits
from services.settings import Settings
from services.store import audit, migrate
from services.store.bundles import BUNDLE_MEDIA_TYPE
from services.store.ids import new_id
from services.store.models import active_version, add_event
from services.store.session import unit_of_work
from services.store.states import BatchState, ModelState, Role
from services.store.stores import Store, open_store
from services.store.tables import AuditRow, Batch, Blob, ModelVersion, Study, User

READERS: Final = 12
MOST_BACKLOG: Final = 100_000
UNSEALED: Final = 300  # audit rows that the next sealing finds
ACTOR: Final = "system"


def main(arguments: Sequence[str]) -> int:
    """Fill the database that the arguments name; 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fill", description=__doc__)
    parser.add_argument("--studies", type=int, required=True)
    parser.add_argument("--data", type=Path, default=Path("overread-filled"), help="folder of the SQLite database")
    parser.add_argument("--database-url", help="a PostgreSQL database made for it, by a superuser's URL")
    chosen = parser.parse_args(arguments)
    settings = Settings(data_dir=chosen.data, database_url=chosen.database_url)
    began = time.perf_counter()
    migrate.upgrade(settings)
    with closing(open_store(settings)) as store:
        fill(store, chosen.studies, say=lambda words: print(words, file=sys.stderr, flush=True))
    print(f"{chosen.studies:,} studies in {time.perf_counter() - began:.0f} s")
    return 0


def fill(store: Store, studies: int, *, now: datetime | None = None, say: Callable[[str], object] = str) -> None:
    """Fill an empty, migrated database; the whole of it is one transaction. Raises ValueError where studies are there.

    `say` is told of each table as it begins.
    """
    with unit_of_work(store.database, writing=False) as session:
        if session.scalar(select(Study.id).limit(1)) is not None:
            raise ValueError("the database holds studies already: it has to be one made for this")
    archive = Archive(studies, min(MOST_BACKLOG, studies // 10), READERS, now or datetime.now(UTC))
    said = answers()
    readers, versions, archived = _foundations(store)
    with filling(store) as tables:
        say("patients")
        tables.copy("patients", ("site_id", *Person._fields), ((store.site_id, *one) for one in people(archive)))
        say("visits")
        tables.stage("fill_visits", visits(archive, said))
        tables.stage("fill_answers", (astuple(one) for one in said))
        tables.stage("fill_images", ((k,) for k in range(1, MOST_IMAGES + 1)))
        tables.stage("fill_readers", enumerate(readers))
        tables.stage("fill_versions", versions)
        for each in rows(archived, tables.json):
            say(each.table)
            tables.run(each.statement())
        say("audit")
        _chain(tables, archive, said, store)
        say("indexes")


def _foundations(store: Store) -> tuple[list[str], list[tuple[str, ...]], Archived]:
    """Readers, versions of the models and the two batches, written as the services do; returns what rows name."""
    with unit_of_work(store.database) as session:
        readers = [
            User(id=new_id(), name=f"reader-{n}", password_hash="-", role=Role.CLINICIAN) for n in range(READERS)
        ]
        session.add_all(readers)
        session.flush()
        versions = [
            _known(session, pipeline, model, number) for pipeline, model in MODELS.items() for number in VERSIONS
        ]
        newest = next(each[2] for each in versions if each[:2] == ("retinopathy", VERSIONS[-1]))
        done, running = (_batch(newest, state) for state in (BatchState.FINISHED, BatchState.RUNNING))
        session.add_all([done, running])
        session.flush()
        return [each.id for each in readers], versions, Archived(store.site_id, done.id, running.id)


def _known(session: Session, pipeline: str, model: str, number: str) -> tuple[str, ...]:
    """A version of a model, registered here where the release brought none; the newest is in use where none was."""
    row = session.scalar(select(ModelVersion).filter_by(name=model, version=number))
    if row is None:
        active = number == VERSIONS[-1] and active_version(session, model) is None
        row = _version(pipeline, model, number)
        session.add(Blob(sha256=row.bundle_sha256, bytes=1, media_type=BUNDLE_MEDIA_TYPE, place=row.bundle_sha256))
        session.flush()
        session.add(row)
        session.flush()
        add_event(session, row.id, ModelState.ACTIVE if active else ModelState.REGISTERED, ACTOR, "filled")
    return pipeline, number, row.id, model, row.weights_sha256


def _version(pipeline: str, model: str, number: str) -> ModelVersion:
    digest = digest_of(f"bundle {model} {number}")
    return ModelVersion(
        id=new_id(),
        name=model,
        version=number,
        sha256=digest,
        weights_sha256=digest_of(f"{model} {number}"),
        pipeline=pipeline,
        bundle_sha256=digest,
        thresholds={},
        facts={},
        card="# Filled",
    )


def _batch(model_version_id: str, state: BatchState) -> Batch:
    return Batch(
        id=new_id(),
        name=f"filled, {state}",
        pipeline="retinopathy",
        model_version_id=model_version_id,
        source={"kind": "stored"},
        query={},
        window={},
        budget={},
        state=state,
        created_by=ACTOR,
    )


def _chain(tables: Tables, archive: Archive, said: Sequence[Answer], store: Store) -> None:
    """One audit row a study, chained as the sealing does; the newest wait for it."""
    with unit_of_work(store.database, writing=False) as session:
        head = audit.head(session)
    columns = ("id", "actor", "action", "study_id", "subjects", "created_at")
    tables.copy("audit", columns, (_audit_row(visit) for visit in visits(archive, said)))
    sealed = itertools.islice(visits(archive, said), max(archive.studies - UNSEALED, 0))
    tables.copy("audit_seals", ("number", "audit_id", "previous_hash", "hash"), _links(sealed, head))


def _audit_row(visit: Visit) -> tuple[object, ...]:
    row = _received(visit)
    return row.id, row.actor, row.action, row.study_id, '{"stored": 2}', row.created_at


def _received(visit: Visit) -> AuditRow:
    return AuditRow(
        id=id_of(visit.stamp, "audit", visit.n),
        actor=ACTOR,
        action="instances.received",
        study_id=visit.study_id,
        subjects={"stored": 2},
        created_at=visit.created_at,
    )


def _links(sealed: Iterable[Visit], head: audit.Link) -> Iterator[tuple[int, str, str, str]]:
    previous = head.hash
    for number, visit in enumerate(sealed, start=head.number + 1):
        row = _received(visit)
        digest = audit.link(previous, row)
        yield number, row.id, previous, digest
        previous = digest
