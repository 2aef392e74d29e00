"""What is asked of a filled database, by name; each question is asked many times, of other rows each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from benchmarks.scale_world import World
from services.api.counts import MOST_COUNTED
from services.api.metrics import Metrics
from services.store import (
    attempts,
    audit,
    batches,
    closing,
    descent,
    failures,
    leases,
    lists,
    matching,
    outbox,
    places,
    references,
    search,
    stored_query,
    worklist,
)
from services.store.ids import ULID_LENGTH, first_id_at
from services.store.matching import StudyAttributes
from services.store.session import unit_of_work
from services.store.states import Disagreement, JobState, ReviewState, StudyState
from services.store.stored_query import StoredQuery
from services.store.tables import Job
from services.store.worklist_counts import count_rows
from services.store.worklist_pages import WorklistFilters, list_rows
from services.work.access import Looker, open_priors, open_study
from services.work.sweep import sweep

PAGE: Final = 50
BATCH_PAGE: Final = 200
LEASE_SECONDS: Final = 60.0
WORKER: Final = "benchmark"
#: Somebody whose list leaves out what they have signed already: nobody has.
A_READER: Final = "0" * ULID_LENGTH
#: 95 of 100 pages of the worklist within this, at a million studies on PostgreSQL.
WORKLIST_MS: Final = 50.0


class SilentBell:
    """A broker that takes every ring."""

    def ring(self, queue: str) -> None:
        """Nobody comes."""

    def waiting(self, queue: str) -> int | None:
        """As if it were away: no ring is missing."""
        return None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question; `most_ms` is what 95 of 100 answers must keep, where that was promised."""

    name: str
    ask: Callable[[World], object]
    most_ms: float | None = None


def reading(ask: Callable[[Session, World], object]) -> Callable[[World], object]:
    """A question within one reading unit of work."""

    def asked(world: World) -> object:
        with unit_of_work(world.store.database, writing=False) as session:
            return ask(session, world)

    return asked


def page(filters: WorklistFilters) -> Callable[[World], object]:
    """The first page of the worklist under these filters."""
    return reading(lambda session, world: list_rows(session, world.store.site_id, filters, None, PAGE))


def deep_page(filters: WorklistFilters) -> Callable[[World], object]:
    """A page that begins at any place of the worklist."""
    return reading(
        lambda session, world: list_rows(session, world.store.site_id, filters, world.random.choice(world.places), PAGE)
    )


def counted(filters: WorklistFilters) -> Callable[[World], object]:
    """How many rows pass, up to what the API counts, and in which states."""
    return reading(lambda session, world: count_rows(session, (world.store.site_id,), filters, MOST_COUNTED))


def days(length: int, review: ReviewState | None = None) -> Callable[[World], object]:
    """A page of so many days that begin anywhere in the last years."""

    def asked(session: Session, world: World) -> object:
        first = world.any_day()
        filters = WorklistFilters(first_day=first, last_day=first + timedelta(days=length - 1), review_state=review)
        return list_rows(session, world.store.site_id, filters, None, PAGE)

    return reading(asked)


def mine(session: Session, world: World) -> object:
    """What is assigned to one reader and unread."""
    filters = WorklistFilters(assignee_id=world.random.choice(world.readers), review_state=ReviewState.UNREAD)
    return list_rows(session, world.store.site_id, filters, None, PAGE)


def look_for(*words: str) -> Callable[[World], object]:
    """A text search, and its page of the worklist."""

    def asked(session: Session, world: World) -> object:
        text = " ".join(words) or world.random.choice(world.patient_numbers)
        found = search.search_studies(session, text)
        return list_rows(session, world.store.site_id, WorklistFilters(study_ids=found), None, PAGE)

    return reading(asked)


def match(make: Callable[[World], StudyAttributes]) -> Callable[[World], object]:
    """A query of the study level as DICOM asks it."""
    return reading(
        lambda session, world: matching.matching_studies(session, world.store.site_id, make(world), None, PAGE)
    )


def one_day(world: World) -> StudyAttributes:
    """A modality on one day."""
    day = world.any_day()
    return StudyAttributes(first_day=day, last_day=day, modality="OP")


def one_year(world: World) -> StudyAttributes:
    """A rare modality in a year."""
    day = world.any_day()
    return StudyAttributes(first_day=day, last_day=day + timedelta(days=365), modality="MG")


def open_one(world: World) -> object:
    """A study's page."""
    return open_study(world.store, Looker("user:benchmark", 300.0, None), world.any_study())


def earlier(world: World) -> object:
    """A study's priors."""
    return open_priors(world.store, Looker("user:benchmark", 300.0, None), world.any_study())


def confirmed(session: Session, world: World) -> object:
    """Pictures of each grade to compare with."""
    return references.references(session, world.store.site_id, None, "retinopathy")


def list_jobs(*states: JobState) -> Callable[[World], object]:
    """A page of jobs in these states."""
    return reading(lambda session, world: lists.newest_jobs(session, states, None, PAGE))


def failed(session: Session, _: World) -> object:
    """What ended badly: how many, by which reason, and the jobs of each."""
    failures.count_failed(session, JobState.FAILED)
    return [failures.oldest_failed(session, group.failure, PAGE) for group in failures.failure_groups(session)]


def queue_places(session: Session, world: World) -> object:
    """The places in the queue of a page of jobs that wait in the long one."""
    waiting = lists.newest_jobs(session, (JobState.QUEUED,), None, PAGE, Job.queue == "retinopathy")
    return places.places_in_queue(session, waiting, world.settings.priority_ageing_seconds)


def claim_and_give_back(world: World) -> object:
    """The claim of a worker and its end, each a transaction with the worklist's row written anew."""
    ageing = world.settings.priority_ageing_seconds
    with unit_of_work(world.store.database) as session:
        claim = leases.claim_next(session, "retinopathy", WORKER, LEASE_SECONDS, ageing)
    assert claim is not None
    with unit_of_work(world.store.database) as session:
        return attempts.give_back(session, claim)


def project(world: World) -> None:
    """One study's rows of the worklist made anew."""
    with unit_of_work(world.store.database) as session:
        worklist.project(session, world.any_study())


def number_an_event(world: World) -> object:
    """An event, and its number."""
    with unit_of_work(world.store.database) as session:
        outbox.emit(session, "study", world.any_study(), {})
    return outbox.number_rows(world.store)


def seal_a_row(world: World) -> object:
    """An audit row, and its link."""
    with unit_of_work(world.store.database) as session:
        audit.record(session, "system", "benchmark")
    return audit.seal(world.store)


def due_for_closing(session: Session, world: World) -> object:
    """Studies that were silent for long enough."""
    patience = closing.Patience(*(world.settings.quiet_seconds,) * len(closing.Patience.__dataclass_fields__))
    return closing.due_for_closing(session, patience, PAGE)


def plan_batch(session: Session, world: World) -> object:
    """A page of the archive that the newest model version has not read."""
    return stored_query.page_of_studies(session, world.target, StoredQuery(), world.any_study(), BATCH_PAGE)


def scrape(world: World) -> object:
    """What Prometheus gets."""
    metrics = Metrics()
    metrics.watch(world.store)
    return metrics.exposition()


def recent_series(session: Session, world: World) -> object:
    """Made series of the last day that never came in."""
    return descent.left_out(session, PAGE, first_id_at(datetime.now(UTC) - timedelta(days=1)))


def batch_counts(session: Session, world: World) -> object:
    """A batch's counts by state."""
    return batches.counts(session, world.batch_id)


WORKLIST: Final[Sequence[Ask]] = (
    Ask("worklist, first page", page(WorklistFilters()), WORKLIST_MS),
    Ask("worklist, any deep page", deep_page(WorklistFilters()), WORKLIST_MS),
    Ask("by age", page(WorklistFilters(by_age=True, open=True))),
    Ask("unread", page(WorklistFilters(review_state=ReviewState.UNREAD)), WORKLIST_MS),
    Ask("signed, deep", deep_page(WorklistFilters(review_state=ReviewState.SIGNED)), WORKLIST_MS),
    Ask("pipeline", page(WorklistFilters(pipeline="segmentation")), WORKLIST_MS),
    Ask("pipeline, deep", deep_page(WorklistFilters(pipeline="reconstruction")), WORKLIST_MS),
    Ask("modality, common", page(WorklistFilters(modality="OP")), WORKLIST_MS),
    Ask("modality, rare, deep", deep_page(WorklistFilters(modality="MG")), WORKLIST_MS),
    Ask("modality that nobody has", page(WorklistFilters(modality="XA")), WORKLIST_MS),
    Ask("urgency stat", page(WorklistFilters(urgency="stat")), WORKLIST_MS),
    Ask("abstained", deep_page(WorklistFilters(abstained=True)), WORKLIST_MS),
    Ask("open, deep", deep_page(WorklistFilters(open=True, not_signed_by=A_READER)), WORKLIST_MS),
    Ask("ungradable", page(WorklistFilters(gradable=False)), WORKLIST_MS),
    Ask("disagreement of the reader", deep_page(WorklistFilters(disagreements=("reader",))), WORKLIST_MS),
    Ask("disagreement of any kind", page(WorklistFilters(disagreements=tuple(Disagreement))), WORKLIST_MS),
    Ask("assigned to nobody, open", page(WorklistFilters(unassigned=True, open=True)), WORKLIST_MS),
    Ask("counted: everything", counted(WorklistFilters())),
    Ask("counted: unread", counted(WorklistFilters(review_state=ReviewState.UNREAD))),
    Ask("counted: open of a pipeline", counted(WorklistFilters(pipeline="retinopathy", open=True))),
    Ask("job failed", page(WorklistFilters(job_state=JobState.FAILED)), WORKLIST_MS),
    Ask("receiving", page(WorklistFilters(study_state=StudyState.RECEIVING)), WORKLIST_MS),
    Ask("assigned to me, unread", reading(mine), WORKLIST_MS),
    Ask("one day", days(1), WORKLIST_MS),
    Ask("thirty days", days(30), WORKLIST_MS),
    Ask("a year", days(365), WORKLIST_MS),
    Ask("thirty days, unread", days(30, ReviewState.UNREAD), WORKLIST_MS),
    Ask(
        "retinopathy, unread, urgent",
        page(WorklistFilters(pipeline="retinopathy", review_state=ReviewState.UNREAD, urgency="urgent")),
        WORKLIST_MS,
    ),
    Ask(
        "modality and pipeline that never meet",
        page(WorklistFilters(modality="MG", pipeline="retinopathy")),
        WORKLIST_MS,
    ),
)
ARCHIVE: Final[Sequence[Ask]] = (
    Ask("study page", open_one),
    Ask("priors", earlier),
    Ask("reference pictures", reading(confirmed)),
    Ask("search: patient id", look_for()),
    Ask("search: two names", look_for("garcia", "maria")),
    Ask("search: a word of half the studies", look_for("fundus")),
    Ask("search: no hit", look_for("garcia", "nobody")),
    Ask("QIDO: patient id", match(lambda world: StudyAttributes(world.random.choice(world.patient_numbers)))),
    Ask("QIDO: modality on a day", match(one_day)),
    Ask("QIDO: rare modality in a year", match(one_year)),
    Ask("QIDO: rare modality", match(lambda world: StudyAttributes(modality="MG"))),
)
ENGINE: Final[Sequence[Ask]] = (
    Ask("jobs, all", list_jobs()),
    Ask("jobs, failed or quarantined", list_jobs(JobState.FAILED, JobState.QUARANTINED)),
    Ask("failures by reason", reading(failed)),
    Ask("places in the queue of a page of jobs", reading(queue_places)),
    Ask("claim and give back", claim_and_give_back),
    Ask("worklist row made anew", project),
    Ask("sweep", lambda world: sweep(world.store, SilentBell())),
    Ask("due for closing", reading(due_for_closing)),
    Ask("event and its number", number_an_event),
    Ask("audit row and its seal", seal_a_row),
    Ask("made series left out", reading(recent_series)),
    Ask("metrics, counted anew", scrape),
    Ask("batch: page of 200 studies planned", reading(plan_batch)),
    Ask("batch: counts by state", reading(batch_counts)),
)
ASKS: Final[Sequence[Ask]] = (*WORKLIST, *ARCHIVE, *ENGINE)
