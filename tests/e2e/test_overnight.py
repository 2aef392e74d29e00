"""A folder of photographs read overnight while every process is killed in turn: nothing twice, nothing missing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance
from sqlalchemy import func, select

from services.store import audit, batches
from services.store.session import unit_of_work
from services.store.states import BatchItemState, BatchState, FetchState
from services.store.tables import BatchFetch, Instance, Job, Result
from services.work import reprocess
from services.work.asked import BatchAsked
from tests.e2e.conftest import Running
from tests.e2e.test_crash import (
    kill_broker,
    kill_reader,
    kill_scheduler,
    kill_worker,
    process_of,
    wait_for,
    wipe_broker,
)

PHOTOGRAPHS = 60
SIDE = 640  # pixels
FINISH_SECONDS = 420.0


def kill_api(system: Running) -> None:
    """kill -9 of the API; the batch needs none."""
    os.kill(process_of(system, "api"), signal.SIGKILL)


BLOWS: tuple[Callable[[Running], None], ...] = (
    kill_worker,
    kill_scheduler,
    kill_broker,
    kill_reader,
    kill_api,
    wipe_broker,
    kill_scheduler,
)


def fill(folder: Path, photo: Path) -> None:
    """Photographs of as many patients, no two alike."""
    with Image.open(photo) as whole:
        small = whole.convert("RGB").resize((SIDE, SIDE))
    for number in range(PHOTOGRAPHS):
        patient = folder / f"P-{number:03}"
        patient.mkdir(parents=True)
        brighter = ImageEnhance.Brightness(small).enhance(0.8 + 0.4 * number / PHOTOGRAPHS)
        brighter.save(patient / "photograph_L.jpg", quality=90)


def ended(system: Running, batch_id: str) -> int:
    """How many items have a result."""
    with unit_of_work(system.store.database, writing=False) as session:
        return batches.counts(session, batch_id)[BatchItemState.DONE]


def state(system: Running, batch_id: str) -> str:
    """Where the batch stands."""
    with unit_of_work(system.store.database, writing=False) as session:
        return batches.get_batch(session, batch_id).state


def strike_in_turn(system: Running, batch_id: str) -> None:
    """Kill one thing after another, each once the work has gone on since the last."""
    for number, blow in enumerate(BLOWS, start=1):
        done = PHOTOGRAPHS * number // (len(BLOWS) + 2)
        wait_for("the batch to go on", lambda done=done: ended(system, batch_id) >= done, FINISH_SECONDS)
        blow(system)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_batch_survives_the_death_of_every_process_in_turn(
    system: Running, retina_photo: Path, tmp_path: Path
) -> None:
    fill(tmp_path / "archive", retina_photo)
    source = {"kind": "folder", "path": str(tmp_path / "archive")}
    asked = BatchAsked.model_validate({"name": "the archive", "pipeline": "retinopathy", "source": source})
    batch_id = reprocess.start(system.store, system.system.settings, "console", asked, anywhere=True)
    strike_in_turn(system, batch_id)
    wait_for("the batch to finish", lambda: state(system, batch_id) == BatchState.FINISHED, FINISH_SECONDS)
    with unit_of_work(system.store.database, writing=False) as session:
        assert batches.counts(session, batch_id) == dict.fromkeys(BatchItemState, 0) | {"done": PHOTOGRAPHS}
        assert set(session.scalars(select(BatchFetch.state))) == {FetchState.FETCHED}
        assert session.scalar(select(func.count()).select_from(Instance)) == PHOTOGRAPHS
        made = session.execute(select(Job.state, func.count(Result.id)).outerjoin(Result).group_by(Job.id)).all()
    assert len(made) == PHOTOGRAPHS
    assert {tuple(row) for row in made} == {("succeeded", 1)}
    audit.seal(system.store)
    assert audit.verify(system.store).intact
