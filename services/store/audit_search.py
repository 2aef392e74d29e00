"""Looking things up in the audit: rows of a time, their seals, the actions there are, and how far the chain is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from services.store.audit import LATE, Link, head, not_before
from services.store.clock import utcnow
from services.store.ids import first_id_at
from services.store.tables import AuditRow, AuditSeal

#: What times are held to: ids count from 1970, and a margin is added on either side.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ChainState:
    """How far the chain is at a moment: its newest link, and how many rows wait for their seal since when."""

    at: datetime
    head: Link
    unsealed: int
    unsealed_since: datetime | None


def chain_state(session: Session) -> ChainState:
    """Where sealing stands; looks at the newest rows alone, `audit.verify` at all."""
    newest = session.scalar(select(func.max(AuditSeal.audit_id)))
    waiting = (
        select(func.count(), func.min(AuditRow.created_at))
        .outerjoin(AuditSeal, AuditSeal.audit_id == AuditRow.id)
        .where(AuditRow.id >= not_before(newest), AuditSeal.audit_id.is_(None))
    )
    unsealed, since = session.execute(waiting).one()
    return ChainState(session.execute(utcnow().select()).scalar_one(), head(session), unsealed, since)


def links_of(session: Session, audit_ids: Sequence[str]) -> Mapping[str, int]:
    """The number of each of the rows in the chain; those that wait for their seal are left out."""
    sealed = select(AuditSeal.audit_id, AuditSeal.number).where(AuditSeal.audit_id.in_(audit_ids))
    return {row.audit_id: row.number for row in session.execute(sealed)}


def actions(session: Session) -> list[str]:
    """The name of every action that is in the audit: one index probe each."""
    names: list[str] = []
    while name := session.scalar(
        select(func.min(AuditRow.action)).where(AuditRow.action > (names[-1] if names else ""))
    ):
        names.append(name)
    return names


def between(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """What rows from `since` on and before `until` are asked by.

    Their ids are asked for too, with a margin for clocks that differ: every index of the audit is in their order.
    """
    where: list[ColumnElement[bool]] = []
    if since is not None:
        begin = min(max(since, EARLIEST), LATEST)
        where += [AuditRow.created_at >= begin, AuditRow.id >= first_id_at(begin - LATE)]
    if until is not None:
        end = min(max(until, EARLIEST), LATEST)
        where += [AuditRow.created_at < end, AuditRow.id < first_id_at(end + LATE)]
    return where
