"""What a batch fetches from outside: each thing once, a little ahead, read by the batch alone; failures by reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from pipelines.core.errors import SourceRefused, SourceUnavailable, StorageFull
from pipelines.core.types import Urgency
from pipelines.imaging.decoder import Decoder
from services.archive.base import FetchedFile
from services.settings import Settings
from services.store import fetches
from services.store.clock import seconds_from_now
from services.store.session import unit_of_work
from services.store.states import BatchItemState, BatchState, StudyState
from services.store.stores import Store
from services.store.tables import BatchFetch, Instance, Job, Patient, Study
from services.store.worklist import URGENCY_RANKS
from services.store.worklist_pages import WorklistFilters, list_rows
from services.work import fetch, reprocess
from services.work.close import FETCHED, close_quiet
from services.work.fetch import Fetcher
from services.work.outcomes import FileStatus, IntakeOptions
from services.work.places import Parts
from services.work.receive import receive
from services.work.spool import Spool
from services.work.tend import SYSTEM
from tests.services.archives import NIGHT, Archive
from tests.services.conftest import Desk
from tests.services.intake.conftest import by, dicom, picture


@dataclass
class Outside:
    """A source of studies of one image each; `broken` says what is raised for which locator."""

    studies: dict[str, bytes]
    broken: dict[str, Exception] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    is_away: bool = False

    def locators(self, after: str | None, limit: int) -> Sequence[str]:
        """In the order of the alphabet."""
        if self.is_away:
            raise SourceUnavailable
        return [one for one in sorted(self.studies) if after is None or one > after][:limit]

    def fetch(self, locator: str) -> Iterator[FetchedFile]:
        """One file."""
        self.fetched.append(locator)
        if locator in self.broken:
            raise self.broken[locator]
        yield FetchedFile("image.dcm", iter([self.studies[locator]]))

    def close(self) -> None:
        """Nothing was opened."""


def study(uid: str, **attributes: object) -> bytes:
    """A study of one fundus photograph in DICOM."""
    told = {"StudyInstanceUID": uid, "SeriesInstanceUID": f"{uid}.1", "SOPInstanceUID": f"{uid}.1.1", "PatientID": uid}
    return dicom(**(told | attributes))


@dataclass
class Fetching:
    """A batch over a source outside, with the scheduler's fetcher."""

    archive: Archive
    outside: Outside
    parts: Parts

    def fetcher(self) -> Fetcher:
        """As a scheduler that has just begun."""
        return Fetcher(self.parts, lambda: False)

    def drain(self) -> int:
        """Fetch until there is nothing to do for now; returns how often."""
        fetcher = self.fetcher()
        steps = 0
        while fetcher.step():
            steps += 1
        fetcher.close()
        return steps

    def counts(self) -> dict[str, int]:
        """Fetches by state, without zeros."""
        with unit_of_work(self.parts.store.database, writing=False) as session:
            return {str(k): n for k, n in fetches.counts(session, self.archive.batch_id).items() if n}

    def failures(self) -> dict[str, int]:
        """Failed fetches by code."""
        with unit_of_work(self.parts.store.database, writing=False) as session:
            return fetches.failures(session, self.archive.batch_id)

    def make_due(self) -> None:
        """Let the time pass that a fetch was put off for."""
        with unit_of_work(self.parts.store.database) as session:
            for row in session.scalars(select(BatchFetch)):
                row.not_before = None

    def instances(self) -> int:
        """How many images are stored."""
        with unit_of_work(self.parts.store.database, writing=False) as session:
            return len(session.scalars(select(Instance)).all())


@pytest.fixture
def fetching(
    desk: Desk, settings: Settings, tmp_path: Path, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> Fetching:
    """A running batch over three studies outside."""
    outside = Outside({name: study(f"1.2.{number}") for number, name in enumerate("abc", start=1)})
    monkeypatch.setattr(fetch, "open_source", lambda *_: outside)
    chosen = settings.model_copy(update={"disk_reserve_bytes": 0, "archive_folders": str(tmp_path)})
    archive = Archive(desk, chosen)
    archive.study("here already")
    archive.register_new()
    monkeypatch.setattr("services.work.reprocess.admit", lambda source, *_, **__: dict(source))
    archive.start(source={"kind": "folder", "path": "/archive"})
    archive.tend()
    return Fetching(archive, outside, Parts(desk.store, chosen, archive.bell, decoder, SYSTEM, "batch"))


def test_everything_outside_is_fetched_and_read_once(fetching: Fetching, each_store: Store) -> None:
    fetching.drain()
    assert (fetching.counts(), fetching.outside.fetched) == ({"fetched": 3}, ["a", "b", "c"])
    archive = fetching.archive
    archive.tend()
    assert archive.read_all() == 3
    archive.tend()
    assert (archive.state, [item.state for item in archive.items()]) == ((BatchState.FINISHED, None), ["done"] * 3)


def test_a_fetched_study_is_closed_and_no_pipeline_but_the_batchs_reads_it(fetching: Fetching, store: Store) -> None:
    fetching.drain()
    with unit_of_work(store.database, writing=False) as session:
        rows = session.scalars(select(Study).where(Study.unrouted_reason == FETCHED)).all()
        live = session.scalars(select(Job).where(Job.role == "live", Job.study_id.in_([row.id for row in rows]))).all()
    assert ([row.state for row in rows], live) == ([StudyState.COMPLETE] * 3, [])


def test_of_what_is_fetched_only_a_marked_reading_comes_to_the_worklist(
    fetching: Fetching, each_store: Store, desk: Desk
) -> None:
    def listed(**filters: object) -> list[tuple[str | None, int]]:
        with unit_of_work(each_store.database, writing=False) as session:
            page = list_rows(session, each_store.site_id, WorklistFilters(**filters), None, 20)
            return [(row.change_headline, row.urgency_rank) for row in page if row.study_id in fetched]

    fetching.drain()
    with unit_of_work(each_store.database, writing=False) as session:
        fetched = set(session.scalars(select(Study.id).where(Study.unrouted_reason == FETCHED)))
    assert listed() == []
    fetching.archive.tend()
    assert [fetching.archive.read_one(value) is not None for value in (0, 3, 1)] == [True] * 3
    assert listed() == [("first reading: DR grade 3", URGENCY_RANKS[Urgency.URGENT])]
    assert len(listed(study_ids=fetched)) == 3


def test_what_is_fetched_and_what_was_sent_are_one_object(fetching: Fetching, store: Store) -> None:
    def send(file: bytes) -> FileStatus:
        with Spool(fetching.parts.settings) as spool:
            writer = spool.begin("image.dcm")
            writer.write(file)
            return receive(store, fetching.parts.settings, writer.finish(), IntakeOptions(), "key:1").status

    before = fetching.instances()
    assert send(by("PACS", fetching.outside.studies["a"])) is FileStatus.STORED
    fetching.drain()
    assert send(by("PACS", fetching.outside.studies["b"])) is FileStatus.DUPLICATE
    assert (fetching.counts(), fetching.instances()) == ({"fetched": 3}, before + 3)


def test_outside_its_window_nothing_is_asked_of_the_archive(fetching: Fetching, store: Store) -> None:
    archive = fetching.archive
    archive.start(source={"kind": "folder", "path": "/archive"}, window={"from": "22:00", "to": "06:00", "zone": "UTC"})
    fetching.archive.tend(NIGHT.replace(hour=12))
    fetching.drain()
    assert (archive.state[0], fetching.counts()) == (BatchState.WAITING, {})


def test_only_a_little_more_is_fetched_than_is_read(fetching: Fetching, store: Store) -> None:
    chosen = fetching.parts.settings.model_copy(update={"batch_fetch_ahead": 2})
    fetching.parts = Parts(store, chosen, fetching.archive.bell, fetching.parts.decoder, SYSTEM, "batch")
    fetching.drain()
    assert fetching.counts() == {"fetched": 2, "waiting": 1}
    fetching.archive.tend()
    fetching.archive.read_all()
    fetching.drain()
    assert fetching.counts() == {"fetched": 3}


def test_a_scheduler_killed_after_storing_fetches_again_and_stores_nothing_twice(
    fetching: Fetching, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "shelve", killed)
    with pytest.raises(KeyboardInterrupt):
        fetching.drain()
    monkeypatch.undo()
    monkeypatch.setattr(fetch, "open_source", lambda *_: fetching.outside)
    fetching.make_due()
    fetching.drain()
    assert fetching.outside.fetched == ["a", "a", "b", "c"]
    assert (fetching.counts(), fetching.instances()) == ({"fetched": 3}, 4)
    assert len(fetching.archive.items()) == 3


def test_a_fetch_in_another_schedulers_hands_is_left_to_it(fetching: Fetching, each_store: Store) -> None:
    fetcher = fetching.fetcher()
    fetcher.step()
    with unit_of_work(each_store.database) as session:
        taken = fetches.take_fetch(session, fetching.archive.batch_id, 60.0)
        assert taken is not None
    fetching.drain()
    assert fetching.counts() == {"fetched": 2, "waiting": 1}
    fetching.make_due()
    fetching.drain()
    assert fetching.counts() == {"fetched": 3}


def test_what_cannot_be_had_fails_by_its_reason_and_the_others_go_on(fetching: Fetching, store: Store) -> None:
    fetching.outside.broken["b"] = SourceRefused("it is gone", code="source_gone")
    fetching.outside.studies["c"] = b"no image at all"
    fetching.drain()
    assert fetching.counts() == {"fetched": 1, "failed": 2}
    assert fetching.failures() == {"source_gone": 1, "not_dicom": 1}
    fetching.archive.tend()
    fetching.archive.read_all()
    fetching.archive.tend()
    assert fetching.archive.state == (BatchState.FINISHED, None)


def test_a_study_that_the_archive_cannot_give_just_now_is_tried_again(
    fetching: Fetching, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "FIRST_REST_SECONDS", 0.0)
    fetching.outside.broken["b"] = SourceUnavailable()
    fetching.drain()
    fetching.drain()
    assert fetching.counts() == {"fetched": 2, "waiting": 1}
    del fetching.outside.broken["b"]
    fetching.make_due()
    fetching.drain()
    assert fetching.counts() == {"fetched": 3}


def test_one_study_that_is_never_given_fails_after_some_tries(
    fetching: Fetching, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "FIRST_REST_SECONDS", 0.0)
    fetching.outside.broken["b"] = SourceUnavailable()
    for _ in range(fetch.TRIES + 2):
        fetching.drain()
        fetching.make_due()
    assert (fetching.counts(), fetching.failures()) == ({"fetched": 2, "failed": 1}, {"source_unavailable": 1})


def test_an_archive_that_stays_away_pauses_its_batch(
    fetching: Fetching, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "FIRST_REST_SECONDS", 0.0)
    fetching.outside.is_away = True
    fetcher = fetching.fetcher()
    for _ in range(fetch.FAILURES):
        assert fetcher.step() is False
    assert fetching.archive.state == (BatchState.PAUSED, fetch.AWAY)


def test_a_source_that_cannot_be_read_at_all_fails_its_batch_alone(
    fetching: Fetching, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise SourceRefused("the folder may not be read")

    monkeypatch.setattr(fetch, "open_source", refused)
    fetching.fetcher().step()
    assert fetching.archive.state == (BatchState.FAILED, "the folder may not be read")


def test_a_full_disk_stops_fetching_and_costs_no_study_its_turn(
    fetching: Fetching, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageFull

    monkeypatch.setattr(fetch, "admit", full)
    fetching.drain()
    assert fetching.outside.fetched == []
    with unit_of_work(store.database, writing=False) as session:
        assert {row.attempts for row in session.scalars(select(BatchFetch))} == {0}


def test_a_study_that_somebody_else_is_sending_stays_theirs(fetching: Fetching, store: Store) -> None:
    with Spool(fetching.parts.settings) as spool:
        writer = spool.begin("a")
        writer.write(study("1.2.1", SOPInstanceUID="1.2.1.1.9"))
        receive(store, fetching.parts.settings, writer.finish(), IntakeOptions(), "key:modality")
    fetching.drain()
    with unit_of_work(store.database) as session:
        row = session.scalars(select(Study).filter_by(study_instance_uid="1.2.1")).one()
        assert (row.state, row.hold) == (StudyState.RECEIVING, False)
        row.last_instance_at = seconds_from_now(-3600)
    assert close_quiet(store, fetching.archive.bell, fetching.parts.settings) == [row.id]
    with unit_of_work(store.database, writing=False) as session:
        assert session.scalars(select(Job.role).where(Job.study_id == row.id)).all() == ["live"]


def test_a_study_in_several_pieces_is_read_with_all_of_them(fetching: Fetching, store: Store) -> None:
    archive = fetching.archive
    fetching.drain()
    archive.tend()
    archive.read_all()
    fetching.outside.studies["d"] = study("1.2.1", SOPInstanceUID="1.2.1.1.2", InstanceNumber=2)
    archive.start(source={"kind": "folder", "path": "/archive"})
    archive.tend()
    fetching.drain()
    archive.tend()
    assert archive.read_all() == 1
    assert archive.count(BatchItemState.DONE) == 3


def test_photographs_come_with_their_patient_and_side(
    fetching: Fetching, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    reprocess.cancel(store, "user:1", fetching.archive.batch_id)
    folder = tmp_path / "archive" / "P-77"
    folder.mkdir(parents=True)
    for name, shade in (("a_L.png", 0), ("a_R.png", 1)):
        (folder / name).write_bytes(picture(shade))
    fetching.archive.start(source={"kind": "folder", "path": str(folder.parent)})
    fetching.archive.tend()
    fetching.drain()
    with unit_of_work(store.database, writing=False) as session:
        sides = session.scalars(select(Instance.laterality).where(Instance.source_sha256.is_not(None))).all()
        patients = session.scalars(select(Patient.patient_id).where(Patient.patient_id == "P-77")).all()
    assert (sorted(side or "" for side in sides), patients) == (["L", "R"], ["P-77"])
    assert len(fetching.archive.items()) == 1
