"""Fetches what a batch reads from outside: a little ahead of the reading, taken in as anything that is sent.

Each step may be done twice: what is listed again is known, what is fetched again are duplicates, an item is made once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy.orm import Session

from pipelines.core.errors import OverreadError, SourceUnavailable, Unavailable, WorkerStopping
from pipelines.core.types import Laterality
from pipelines.imaging.laterality import from_name
from services.archive.base import FetchedFile, Source
from services.archive.registry import open_source
from services.log import logger
from services.store import batch_jobs, batches, fetches
from services.store.clock import utcnow
from services.store.entries import all_entries
from services.store.fetches import Taken
from services.store.session import unit_of_work
from services.store.states import BatchState, FetchState, Priority
from services.store.stored_query import Candidate
from services.store.studies import lock_study
from services.store.tables import Batch
from services.work.close import shelve
from services.work.outcomes import FileStatus
from services.work.places import Parts
from services.work.question import held_by, subjects_of
from services.work.reprocess import STORED
from services.work.spool import Spool
from services.work.submission import Submission
from services.work.tend import fail
from services.work.watermarks import admit
from services.work.wishes import Completion, Wishes

log = logger("scheduler")
#: What is to be fetched is listed so many at a time.
PAGE: Final = 200
#: A fetch whose process died is due again after this; a long one says in time that it goes on.
LEASE_SECONDS: Final = 60.0
RENEW_SECONDS: Final = 15.0
#: After a failure of the archive, or of our own store, a batch rests: 2 s, 4 s ... at most five minutes.
FIRST_REST_SECONDS: Final = 2.0
LONGEST_REST_SECONDS: Final = 300.0
#: An archive that failed so often without one success in between is left alone until a person resumes the batch.
FAILURES: Final = 12
#: One thing is tried so often before it counts as failed.
TRIES: Final = 4
AWAY: Final = "the source did not answer for a long time; resume the batch when it does"
#: How the names begin under which batches bring images in.
FETCHERS: Final = "batch:"
NOTHING_KEPT: Final = "nothing_kept"


@dataclass(slots=True)
class _Open:
    """An open source of a batch, and how it fared of late."""

    source: Source
    failures: int = 0
    rests_until: float = 0.0  # monotonic seconds


@dataclass(slots=True)
class Fetcher:
    """Fetches for all batches in turn, in one thread; `is_stopping` is asked between the pieces of a file."""

    parts: Parts
    is_stopping: Callable[[], bool]
    _open: dict[str, _Open] = field(default_factory=dict)

    def step(self) -> bool:
        """List a page and fetch one study for each batch that may; whether there was anything to do.

        Raises DatabaseUnavailable.
        """
        with unit_of_work(self.parts.store.database, writing=False) as session:
            running = [batch for batch in _running(session) if batch.source["kind"] != STORED]
        self._forget_all_but({batch.id for batch in running})
        served = [self._serve(batch) for batch in running]
        return any(served)

    def close(self) -> None:
        """Close all sources."""
        self._forget_all_but(set())

    def _forget_all_but(self, batch_ids: set[str]) -> None:
        for batch_id in self._open.keys() - batch_ids:
            self._open.pop(batch_id).source.close()

    def _serve(self, batch: Batch) -> bool:
        """One turn of a batch: its failures are its own."""
        try:
            opened = self._open.get(batch.id) or _Open(open_source(batch.source, self.parts.settings))
            self._open[batch.id] = opened
            if time.monotonic() < opened.rests_until:
                return False
            return self._turn(batch, opened)
        except WorkerStopping:
            return False
        except Unavailable as error:
            self._rest(batch.id, error)
            return False
        except OverreadError as error:
            fail(self.parts.store, batch.id, error)
            return False

    def _turn(self, batch: Batch, opened: _Open) -> bool:
        listed = batch.planned_at is None and self._list_page(batch, opened.source)
        with unit_of_work(self.parts.store.database) as session:
            taken = fetches.take_fetch(session, batch.id, LEASE_SECONDS) if self._has_room(session, batch.id) else None
        if taken is not None:
            self._fetch(batch, opened, taken)
        return listed or taken is not None

    def _rest(self, batch_id: str, error: Unavailable) -> None:
        opened = self._open.get(batch_id)
        if opened is None:
            return
        opened.failures += 1
        wait = min(FIRST_REST_SECONDS * 2 ** (opened.failures - 1), LONGEST_REST_SECONDS)
        opened.rests_until = time.monotonic() + wait
        log.warning("batch.rests", batch=batch_id, code=error.code, seconds=wait)
        if isinstance(error, SourceUnavailable) and opened.failures >= FAILURES:
            _pause(self.parts, batch_id)

    def _list_page(self, batch: Batch, source: Source) -> bool:
        """Write down the next page of what there is to fetch; whether there was any. Raises what the source raises."""
        locators = source.locators(batch.checkpoint, PAGE)
        with unit_of_work(self.parts.store.database) as session:
            row = batches.tended(session, batch.id)
            if row is None or row.checkpoint != batch.checkpoint:
                return False  # another scheduler listed this page
            fetches.add_fetches(session, batch.id, locators)
            if locators:
                row.checkpoint = locators[-1]
            else:
                row.planned_at = utcnow()
        return bool(locators)

    def _has_room(self, session: Session, batch_id: str) -> bool:
        """Whether the reading has come near: what is fetched lies on our disk."""
        most = self.parts.settings.batch_fetch_ahead
        return sum(batches.count_items(session, batch_id, state, most) for state in batches.OPEN_ITEMS) < most

    def _fetch(self, batch: Batch, opened: _Open, taken: Taken) -> None:
        """Have one thing, and make its items. Raises Unavailable where the batch should rest."""
        try:
            admit(self.parts.store, self.parts.settings)
            study_ids, code = self._take_in(batch, opened.source, taken)
        except SourceUnavailable as error:
            self._try_later(taken, error)
            raise
        except Unavailable:
            with unit_of_work(self.parts.store.database) as session:
                fetches.give_back(session, taken.id)
            raise
        except OverreadError as error:
            study_ids, code = [], error.code
        opened.failures = 0
        for study_id in study_ids:
            shelve(self.parts.store, study_id, FETCHERS, self._actor(batch))
            with unit_of_work(self.parts.store.database) as session:
                _make_items(session, batch, study_id)
        with unit_of_work(self.parts.store.database) as session:
            state = FetchState.FETCHED if study_ids else FetchState.FAILED
            fetches.end_fetch(session, taken.id, state, study_ids[0] if study_ids else None, code)

    def _try_later(self, taken: Taken, error: SourceUnavailable) -> None:
        with unit_of_work(self.parts.store.database) as session:
            if taken.attempts >= TRIES:
                fetches.end_fetch(session, taken.id, FetchState.FAILED, None, error.code)
            else:
                fetches.put_off(session, taken.id, LEASE_SECONDS * 2 ** (taken.attempts - 1), error.code)

    def _take_in(self, batch: Batch, source: Source, taken: Taken) -> tuple[list[str], str | None]:
        """The studies that the files of one locator came into, and why a file was refused, where one was."""
        parts = replace(self.parts, actor=self._actor(batch))
        sides: list[Laterality | None] = []
        with Spool(parts.settings, parts.store.blobs.quota) as spool, _closing(source.fetch(taken.locator)) as files:
            submission = Submission(parts, spool, Wishes(priority=Priority.BATCH, completion=Completion.NO))
            goes_on = _Renewal(parts, taken.id)
            for file in files:
                sides.append(file.laterality or from_name(file.name))
                submission.wishes = replace(submission.wishes, patient_id=file.patient_id)
                self._spool(spool, submission, file, goes_on)
            submission.wishes = replace(submission.wishes, lateralities=_stated(sides))
            submission.take_in()
            outcomes = submission.files()
        studies = dict.fromkeys(outcome.study_id for outcome in outcomes if outcome.study_id is not None)
        refused = next((outcome.code for outcome in outcomes if outcome.status is FileStatus.REJECTED), None)
        return list(studies), refused or (None if studies else NOTHING_KEPT)

    @staticmethod
    def _actor(batch: Batch) -> str:
        return f"{FETCHERS}{batch.id}"

    def _spool(self, spool: Spool, submission: Submission, file: FetchedFile, goes_on: _Renewal) -> None:
        writer = spool.begin(file.name)
        for chunk in file.chunks:
            if self.is_stopping():
                raise WorkerStopping
            writer.write(chunk)
            goes_on.say()
        submission.add(writer.finish())


@dataclass(slots=True)
class _Renewal:
    """Says now and then that a fetch goes on, so that nobody else begins it."""

    parts: Parts
    fetch_id: str
    said: float = field(default_factory=time.monotonic)

    def say(self) -> None:
        """Extend the lease where it is time to."""
        if time.monotonic() - self.said < RENEW_SECONDS:
            return
        self.said = time.monotonic()
        with unit_of_work(self.parts.store.database) as session:
            fetches.renew(session, self.fetch_id, LEASE_SECONDS)


def _running(session: Session) -> list[Batch]:
    rows = [batches.get_batch(session, batch_id) for batch_id in batches.to_tend(session)]
    return [row for row in rows if row.state == BatchState.RUNNING]


@contextmanager
def _closing(files: Iterator[FetchedFile]) -> Iterator[Iterator[FetchedFile]]:
    """Files that are fetched as they are asked for: left early, their connection is given back at once."""
    try:
        yield files
    finally:
        if isinstance(files, Generator):
            files.close()


def _stated(sides: Sequence[Laterality | None]) -> tuple[Laterality, ...]:
    """The side of each file in order; nothing where one has none, for intake to say so."""
    known = tuple(side for side in sides if side is not None)
    return known if len(known) == len(sides) else ()


def _pause(parts: Parts, batch_id: str) -> None:
    """The archive is away for so long that a person should look; what was fetched is not read on either."""
    with unit_of_work(parts.store.database) as session:
        batch = batches.tended(session, batch_id)
        if batch is not None:
            batch_jobs.hold_batch(session, batch_id)
            batches.set_state(session, batch, BatchState.PAUSED, AWAY)


def _make_items(session: Session, batch: Batch, study_id: str) -> None:
    """An item for each subject of a study that was fetched; release says of those that the pipeline does not read."""
    study = lock_study(session, study_id)
    entry = all_entries(session)[batch.pipeline]
    subjects = subjects_of(entry, study, held_by(session, study))
    batches.ask_anew(session, batch.id, study_id)
    batches.add_items(session, batch.id, [Candidate(study_id, one.kind, one.id) for one in subjects])
