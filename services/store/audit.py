"""Who did what to which ids: append-only rows, sealed afterwards into a hash chain by one writer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipelines.core.errors import BadRequest
from services.store.clock import seconds_from_now
from services.store.ids import first_id_at, moment_of
from services.store.locks import Lock, only_writer
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import SHA256_LENGTH, AuditRow, AuditSeal

GENESIS_HASH = "0" * 64
SEAL_BATCH = 500
VERIFY_PAGE = 1000
#: A row may be seen only after younger ones were sealed: its transaction took longer, or its machine's clock is behind.
LATE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the chain; written down elsewhere (a log, paper), it proves later that nothing before it was cut."""

    number: int
    hash: str

    def __str__(self) -> str:
        """As it is written down: number:hash."""
        return f"{self.number}:{self.hash}"


def read_link(words: str) -> Link:
    """A link that was written down; raises BadRequest."""
    number, _, digest = words.partition(":")
    if not number.isascii() or not number.isdecimal() or len(digest) != SHA256_LENGTH:
        raise BadRequest("a link of the audit chain is written NUMBER:HASH", code="bad_link")
    return Link(int(number), digest)


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What `verify` found: links up to `head` are right, `unsealed` rows wait; `broken` says where the chain breaks."""

    head: Link
    unsealed: int
    broken: str | None = None

    @property
    def sealed(self) -> int:
        """How many links are right."""
        return self.head.number

    @property
    def intact(self) -> bool:
        """Whether no sealed row was changed, cut out or put in."""
        return self.broken is None


def record(session: Session, actor: str, action: str, study_id: str | None = None, **subjects: str | int) -> None:
    """Leave an audit row in this transaction; `subjects` are ids and words only, never anything identifying."""
    session.add(AuditRow(actor=actor, action=action, study_id=study_id, subjects=subjects))
    session.flush()


def was_seen(session: Session, actor: str, action: str, study_id: str | None, within_seconds: float) -> bool:
    """Whether this actor's look at the study (None: at many) is written down already, in so many seconds."""
    seen = (
        select(AuditRow.id)
        .where(
            AuditRow.actor == actor,
            AuditRow.action == action,
            AuditRow.study_id == study_id,
            AuditRow.created_at > seconds_from_now(-within_seconds),
        )
        .limit(1)
    )
    return session.scalar(seen) is not None


def record_access(
    session: Session, actor: str, action: str, study_id: str | None, within_seconds: float, **subjects: str | int
) -> bool:
    """Leave an audit row for looking at a study (None: at many), once per actor, action and study in so many seconds.

    Returns whether a row was written; commit it before the bytes leave.
    """
    if was_seen(session, actor, action, study_id, within_seconds):
        return False
    record(session, actor, action, study_id, **subjects)
    return True


def seal(store: Store, limit: int = SEAL_BATCH) -> int:
    """Chain up to `limit` new rows; returns how many. Any number of callers: one at a time gets the lock.

    Rows are looked for from a little before the newest sealed one on, so that it costs the same however many are
    sealed; what came later still is left to `seal_late`.
    """
    with unit_of_work(store.database, writing=False) as session:
        newest = session.scalar(select(func.max(AuditSeal.audit_id)))
    return _seal(store, not_before(newest), limit)


def not_before(newest: str | None) -> str:
    """The smallest id that a row may have which came after the newest sealed one."""
    return first_id_at(moment_of(newest) - LATE) if newest else ""


def seal_late(store: Store, limit: int = SEAL_BATCH) -> int:
    """Chain up to `limit` rows that `seal` passed by, of a machine whose clock was far behind; looks at every row."""
    return _seal(store, "", limit)


def _seal(store: Store, since: str, limit: int) -> int:
    """Chain unsealed rows of this id and behind it."""
    waiting = (
        select(AuditRow)
        .outerjoin(AuditSeal, AuditSeal.audit_id == AuditRow.id)
        .where(AuditRow.id >= since, AuditSeal.audit_id.is_(None))
        .order_by(AuditRow.id)
        .limit(limit)
    )
    with unit_of_work(store.database, writing=False) as session:
        # Most of the time there is nothing to seal: no reason to make writers wait.
        if session.scalar(waiting.with_only_columns(AuditRow.id).limit(1)) is None:
            return 0
    with unit_of_work(store.database) as session:
        only_writer(session, Lock.AUDIT_SEAL)
        last = head(session)
        previous = last.hash
        rows = session.scalars(waiting).all()
        for number, row in enumerate(rows, start=last.number + 1):
            digest = link(previous, row)
            session.add(AuditSeal(number=number, audit_id=row.id, previous_hash=previous, hash=digest))
            previous = digest
        return len(rows)


def head(session: Session) -> Link:
    """The newest link; number 0 before the first."""
    last = session.scalar(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1))
    return Link(last.number, last.hash) if last else Link(0, GENESIS_HASH)


def link(previous: str, row: AuditRow) -> str:
    """The hash of one link: sha256 of the previous hash and the row as canonical JSON."""
    document = {
        "id": row.id,
        "actor": row.actor,
        "action": row.action,
        "study_id": row.study_id,
        "subjects": row.subjects,
        "created_at": _instant(row.created_at),
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def verify(store: Store, known: Link | None = None) -> AuditVerdict:
    """Walk the whole chain: says where a row or a link was changed, cut out or put in.

    A chain whose end was cut off is whole in itself: `known`, a `head` written down earlier, finds that too.
    """
    seen, broken, found = Link(0, GENESIS_HASH), None, known is None or known.number == 0
    with unit_of_work(store.database, writing=False) as session:
        while broken is None and (page := _page(session, seen.number)):
            for seal_row, row in page:
                broken = _fault(seal_row, row, seen)
                if broken is not None:
                    break
                seen = Link(seal_row.number, seal_row.hash)
                found = found or seen == known
            session.expunge_all()
        if broken is None and not found:
            broken = f"the chain does not hold the known link {known.number if known else 0}"
        rows = session.scalar(select(func.count()).select_from(AuditRow)) or 0
        seals = session.scalar(select(func.count()).select_from(AuditSeal)) or 0
    return AuditVerdict(head=seen, unsealed=max(rows - seals, 0), broken=broken)


def _page(session: Session, after: int) -> Sequence[tuple[AuditSeal, AuditRow | None]]:
    rows = session.execute(
        select(AuditSeal, AuditRow)
        .outerjoin(AuditRow, AuditRow.id == AuditSeal.audit_id)
        .where(AuditSeal.number > after)
        .order_by(AuditSeal.number)
        .limit(VERIFY_PAGE)
    )
    return [(seal_row, row) for seal_row, row in rows]


def _fault(seal_row: AuditSeal, row: AuditRow | None, seen: Link) -> str | None:
    expected = seen.number + 1
    if seal_row.number != expected:
        return f"link {expected} is missing"
    if row is None:
        return f"the row of link {expected} is missing"
    if seal_row.previous_hash != seen.hash:
        return f"link {expected} does not continue the chain"
    if seal_row.hash != link(seen.hash, row):
        return f"the row of link {expected} was changed"
    return None
