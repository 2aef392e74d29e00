"""The event stream's source: one look at the database for all who listen, and only while somebody does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final

from starlette.concurrency import run_in_threadpool

from pipelines.core.errors import DatabaseUnavailable
from services.store import outbox
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.tables import OutboxEvent
from services.work.told import events_for

#: A dashboard that is half a second late shows the same as one that is not.
LOOK_SECONDS: Final = 0.5
#: Proxies close what is silent; a comment keeps the line open.
SILENCE_SECONDS: Final = 15.0
#: Then the browser comes again with its Last-Event-ID, and who may no longer listen is refused.
STREAM_SECONDS: Final = 600.0
AT_ONCE: Final = 200
RETRY_MS: Final = 2000


class Feed:
    """Numbers of new events, shared by all streams of this process."""

    def __init__(self, store: Store) -> None:
        """Nothing is looked at before somebody listens."""
        self._store = store
        self._latest = 0
        self._listeners = 0
        self._news = asyncio.Condition()
        self._looking: asyncio.Task[None] | None = None

    async def stream(self, after: int | None, reader: str | None) -> AsyncIterator[str]:
        """Server-sent events after number `after` (None: from now on), until STREAM_SECONDS are over.

        Without what would tell `reader` (a person's id) of studies that this person reads blind still.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + STREAM_SECONDS
        self._listen()
        try:
            number = await self._last_number() if after is None else after
            yield f"retry: {RETRY_MS}\nid: {number}\n\n"
            while clock() < end:
                before = number
                events, number = await run_in_threadpool(self._read, number, reader)
                for event in events:
                    yield message(event)
                if number == before and not await self._changed(number):
                    yield ": still here\n\n"
        finally:
            self._leave()

    def _listen(self) -> None:
        self._listeners += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    def _leave(self) -> None:
        self._listeners -= 1

    async def _changed(self, number: int) -> bool:
        """Wait for an event after `number`, SILENCE_SECONDS at most; whether there is one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENCE_SECONDS), self._news:
                await self._news.wait_for(lambda: self._latest > number)
        return self._latest > number

    async def _look(self) -> None:
        while self._listeners > 0:
            with suppress(DatabaseUnavailable):  # it comes back, and so do the events: they are numbered
                latest = await self._last_number()
                async with self._news:
                    self._latest = latest
                    self._news.notify_all()
            await asyncio.sleep(LOOK_SECONDS)

    async def _last_number(self) -> int:
        return await run_in_threadpool(self._read_last_number)

    def _read_last_number(self) -> int:
        with unit_of_work(self._store.database, writing=False) as session:
            return outbox.last_number(session)

    def _read(self, number: int, reader: str | None) -> tuple[Sequence[OutboxEvent], int]:
        """The next events as this person may have them, and the number up to which was read."""
        with unit_of_work(self._store.database, writing=False) as session:
            events = outbox.read_after(session, number, AT_ONCE)
            last = events[-1].number if events else None
            return events_for(session, reader, events), last or number


def message(event: OutboxEvent) -> str:
    """One event as the wire has it: https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    data = {"study": event.study_id, **event.payload}
    return f"id: {event.number}\nevent: {event.topic}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
