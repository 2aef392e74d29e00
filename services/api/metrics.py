"""Figures for Prometheus: requests by route template, jobs and studies by state; never an id."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.store.alarms import AlarmCode, open_alarms
from services.store.queues import QueueState
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import Job, Study, WorklistRow
from services.work import queues

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
#: Seconds; an upload may take minutes, a list should take milliseconds.
BUCKETS: Final = (0.005, 0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0)
#: With a million studies counting takes half a second: then the counts are as old as a minute.
COUNTING_SHARE: Final = 0.01
QUICK_SECONDS: Final = 0.05


class Metrics:
    """One registry an application, so that two applications in one process do not share counts."""

    def __init__(self) -> None:
        """Register the request figures and what prometheus_client knows of the process."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.requests = Counter(
            "overread_requests", "Requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "overread_request_seconds",
            "Seconds to answer.",
            ["route", "method"],
            buckets=BUCKETS,
            registry=self.registry,
        )

    def observe_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is a template."""
        self.requests.labels(route, method, str(status)).inc()
        self.seconds.labels(route, method).observe(seconds)

    def watch(self, store: Store) -> None:
        """Add the figures that are read from the database at each scrape."""
        self.registry.register(_StoreCollector(store))

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _StoreCollector:
    """Counts rows when Prometheus asks; the database is the truth about jobs, not this process."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._counts = Counts()
        self._count_again = 0.0  # on the monotonic clock

    def describe(self) -> Iterator[Metric]:
        return iter(())  # or registration would query the database

    def collect(self) -> Iterator[Metric]:
        jobs = GaugeMetricFamily("overread_jobs", "Jobs by queue and state.", labels=["queue", "state"])
        studies = GaugeMetricFamily("overread_studies", "Studies by state.", labels=["state"])
        reviews = GaugeMetricFamily("overread_worklist", "Worklist rows by review state.", labels=["review_state"])
        alarms = GaugeMetricFamily("overread_alarms", "1 while the alarm is open.", labels=["code"])
        with unit_of_work(self.store.database, writing=False) as session:
            raised = {alarm.code for alarm in open_alarms(session)}
            counts = self._counted(session)
        for queue, state, count in counts.jobs:
            jobs.add_metric([queue, state], count)
        for state, count in counts.studies:
            studies.add_metric([state], count)
        for state, count in counts.reviews:
            reviews.add_metric([state], count)
        for code in AlarmCode:
            alarms.add_metric([code.value], float(code in raised))
        yield from (jobs, studies, reviews, alarms, *_queue_metrics(queues.states(self.store)))

    def _counted(self, session: Session) -> Counts:
        """The counts of now, or of a moment ago where counting takes long: it may take a hundredth of the time."""
        began = time.monotonic()
        if began >= self._count_again:
            self._counts = count_rows(session)
            took = time.monotonic() - began
            self._count_again = began + (took / COUNTING_SHARE if took > QUICK_SECONDS else 0.0)
        return self._counts


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows there are: jobs by queue and state, studies by state, worklist rows by review state."""

    jobs: tuple[tuple[str, str, int], ...] = ()
    studies: tuple[tuple[str, int], ...] = ()
    reviews: tuple[tuple[str, int], ...] = ()


def count_rows(session: Session) -> Counts:
    """Count; looks at one index of each table from end to end."""
    jobs = select(Job.queue, Job.state, func.count()).group_by(Job.queue, Job.state)
    studies = select(Study.state, func.count()).group_by(Study.state)
    reviews = select(WorklistRow.review_state, func.count()).group_by(WorklistRow.review_state)
    return Counts(
        tuple((queue, state, count) for queue, state, count in session.execute(jobs)),
        tuple((state, count) for state, count in session.execute(studies)),
        tuple((state, count) for state, count in session.execute(reviews)),
    )


def _queue_metrics(states: Sequence[QueueState]) -> list[Metric]:
    """What an operator scales workers by."""
    waiting = GaugeMetricFamily("overread_queue_waiting", "Jobs that wait for a worker.", labels=["queue"])
    held = GaugeMetricFamily("overread_queue_held", "Jobs that wait for their batch.", labels=["queue"])
    oldest = GaugeMetricFamily("overread_queue_oldest_seconds", "Age of the oldest that waits.", labels=["queue"])
    busy = GaugeMetricFamily("overread_queue_busy_workers", "Workers that hold jobs of it.", labels=["queue"])
    paused = GaugeMetricFamily("overread_queue_paused", "1 while it is paused.", labels=["queue"])
    for state in states:
        waiting.add_metric([state.name], state.queued)
        held.add_metric([state.name], state.held)
        oldest.add_metric([state.name], state.waiting_seconds)
        busy.add_metric([state.name], state.busy)
        paused.add_metric([state.name], float(state.paused))
    return [waiting, held, oldest, busy, paused]
