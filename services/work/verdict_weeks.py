"""How readers judged a model's answers, a week at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import select

from pipelines.core.agreement import Share
from pipelines.core.errors import UnknownModel
from services.store import models
from services.store.agreements import signed_answers
from services.store.clock import utcnow
from services.store.session import unit_of_work
from services.store.states import Verdict
from services.store.stores import Store
from services.work.weeks import newest_weeks, week_of


@dataclass(frozen=True, slots=True)
class VerdictWeek:
    """One version's signed answers of a week; `unanswered` are those where it had abstained, and count in no share."""

    monday: date
    version: str
    accepted: Share
    edited: int
    rejected: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class VerdictWeeks:
    """All weeks with signatures, oldest first, each by version; `mondays` are all that were looked at."""

    model: str
    pipeline: str
    mondays: tuple[date, ...]
    weeks: tuple[VerdictWeek, ...]


def verdict_weeks(store: Store, name: str, weeks: int) -> VerdictWeeks:
    """The newest weeks of a model, all its versions. Raises UnknownModel."""
    with unit_of_work(store.database, writing=False) as session:
        versions = models.list_versions(session, name)
        if not versions:
            raise UnknownModel
        mondays = newest_weeks(session.scalars(select(utcnow())).one().date(), weeks)
        since = datetime.combine(mondays[0], time(), UTC)
        counts: dict[tuple[date, str], Counter[str | None]] = {}
        for answer in signed_answers(session, name, since):
            judged = "unanswered" if answer.abstained else answer.verdict
            counts.setdefault((week_of(answer.signed_at.date()), answer.version), Counter())[judged] += 1
    told = tuple(_week(*place, counts[place]) for place in sorted(counts))
    return VerdictWeeks(name, versions[0].version.pipeline, tuple(mondays), told)


def _week(monday: date, version: str, judged: Counter[str | None]) -> VerdictWeek:
    accepted, edited, rejected = (judged[verdict] for verdict in (Verdict.ACCEPT, Verdict.EDIT, Verdict.REJECT))
    return VerdictWeek(
        monday, version, Share(accepted, accepted + edited + rejected), edited, rejected, judged["unanswered"]
    )
