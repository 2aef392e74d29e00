"""What of events, traces and ranked studies a reader may be told who reads some of them blind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.store.blind import withheld_slots, withheld_studies
from services.store.tables import AuditRow, OutboxEvent, Result

#: Events that say that images came, that work goes on or has ended, and never what came of it; all others are withheld.
PLAIN_TOPICS: Final = frozenset({"study", "job", "result", "batch", "model", "alarm", "assignment"})
#: The same of traces, by the word before their point.
PLAIN_TRACES: Final = frozenset({"study", "series", "image", "job", "result", "artifact", "priors"})


def events_for(session: Session, reader: str | None, events: Sequence[OutboxEvent]) -> list[OutboxEvent]:
    """The events without those that tell what others said of a study of which anything is withheld from this person."""
    telling = {event.study_id for event in events if event.study_id and event.topic not in PLAIN_TOPICS}
    withheld = withheld_studies(session, reader, telling)
    return [event for event in events if event.topic in PLAIN_TOPICS or event.study_id not in withheld]


def traces_for(session: Session, reader: str | None, rows: Sequence[AuditRow]) -> list[AuditRow]:
    """The rows of the audit without those that tell of reviews and second reads in such a study."""
    telling = {row.study_id for row in rows if row.study_id and not _is_plain(row)}
    withheld = withheld_studies(session, reader, telling)
    return [row for row in rows if _is_plain(row) or row.study_id not in withheld]


def ranked_for(
    session: Session, reader: str | None, ranked: Iterable[Mapping[str, Any]], result: str
) -> list[Mapping[str, Any]]:
    """Ranked studies without those of withheld slots; `result` names the field of a result's id. Any: JSON."""
    told = list(ranked)
    rows = session.execute(
        select(Result.id, Result.slot_id).where(Result.id.in_(sorted({one[result] for one in told})))
    )
    slots = {row.id: row.slot_id for row in rows}
    withheld = withheld_slots(session, reader, set(slots.values()))
    return [one for one in told if slots.get(one[result]) not in withheld]


def _is_plain(row: AuditRow) -> bool:
    return row.action.partition(".")[0] in PLAIN_TRACES
