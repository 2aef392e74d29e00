"""A filled database as the questions of the scale benchmark see it: what they name is spread over all of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.registry import ENTRIES
from services.settings import Settings
from services.store import models
from services.store.ids import first_id_at, moment_of
from services.store.session import unit_of_work
from services.store.states import BatchState
from services.store.stored_query import Target
from services.store.stores import Store
from services.store.tables import Batch, Patient, Study, User, WorklistRow
from services.store.worklist_pages import Place, place_of

SAMPLES: Final = 200


@dataclass(frozen=True, slots=True)
class World:
    """A filled store and what the questions name of it."""

    store: Store
    settings: Settings
    study_ids: tuple[str, ...]
    places: tuple[Place, ...]
    patient_numbers: tuple[str, ...]
    readers: tuple[str, ...]
    last_day: date
    batch_id: str
    target: Target
    random: random.Random

    def any_study(self) -> str:
        """A study somewhere in the archive."""
        return self.random.choice(self.study_ids)

    def any_day(self) -> date:
        """A day of the last three years."""
        return self.last_day - timedelta(days=self.random.randrange(3 * 365))


def look_around(store: Store, settings: Settings) -> World:
    """Sample a filled store: studies, places of the list and people spread over all of it."""
    with unit_of_work(store.database, writing=False) as session:
        first, last = session.execute(select(func.min(Study.id), func.max(Study.id))).one()
        study_ids = tuple(_spread(session, first, last))
        rows = session.scalars(select(WorklistRow).where(WorklistRow.study_id.in_(study_ids))).all()
        numbers = session.scalars(
            select(Patient.patient_id).join(Study, Study.patient_id == Patient.id).where(Study.id.in_(study_ids))
        )
        version = models.active_version(session, ENTRIES["retinopathy"].model)
        assert version is not None
        return World(
            store=store,
            settings=settings,
            study_ids=study_ids,
            places=tuple(place_of(row) for row in rows),
            patient_numbers=tuple(numbers),
            readers=tuple(session.scalars(select(User.id).order_by(User.id))),
            last_day=max(row.study_date for row in rows if row.study_date),
            batch_id=session.scalars(select(Batch.id).where(Batch.state == BatchState.FINISHED)).one(),
            target=Target(ENTRIES["retinopathy"], version),
            random=random.Random(0),
        )


def _spread(session: Session, first: str, last: str) -> Iterator[str]:
    """Ids at even distances of time: ids are times, so each is one step in the index."""
    begin, end = moment_of(first), moment_of(last)
    for number in range(SAMPLES):
        from_here = first_id_at(begin + (end - begin) * number / SAMPLES)
        found = session.scalar(select(func.min(Study.id)).where(Study.id >= from_here))
        if found is not None:
            yield found
