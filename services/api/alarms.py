"""What is wrong with the system and needs a person: open alarms, and those of before."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pipelines.core.errors import BadCursor
from services.api.deps import Technician, TheStore
from services.api.errors import problems
from services.api.pages import Cursor, Limit, Page, after_id, page_of
from services.store import lists
from services.store.alarms import SENTENCES, AlarmCode
from services.store.session import unit_of_work
from services.store.tables import Alarm

router = APIRouter(prefix="/alarms", tags=["administration"])


class AlarmView(BaseModel):
    """Something that a person must see to."""

    id: str
    code: AlarmCode
    sentence: str = Field(description="What the code means.")
    detail: str = Field(description="What was found this time: counts and ids.")
    raised_at: datetime
    cleared_at: datetime | None = Field(description="When it was over; null while it is open.")


@router.get("", summary="Alarms, newest first", responses=problems(BadCursor))
def alarm_list(
    actor: Technician,
    store: TheStore,
    is_open: Annotated[bool, Query(alias="open", description="Only those that are not over.")] = True,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AlarmView]:
    """Each is cleared by the system itself when its cause is gone."""
    where = [Alarm.cleared_at.is_(None)] if is_open else []
    with unit_of_work(store.database, writing=False) as session:
        rows = lists.newest_first(session, Alarm, after_id(cursor), limit + 1, *where)
    return page_of(rows, limit, alarm_view)


def alarm_view(row: Alarm) -> AlarmView:
    """An alarm's row as JSON."""
    code = AlarmCode(row.code)
    return AlarmView(
        id=row.id,
        code=code,
        sentence=SENTENCES[code],
        detail=row.detail,
        raised_at=row.raised_at,
        cleared_at=row.cleared_at,
    )
