"""Carries a request body from the event loop to threads, block by block: nothing here ever holds a whole body."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar, TypeVarTuple

import anyio
import anyio.to_thread
from anyio import CancelScope, CapacityLimiter
from anyio.lowlevel import RunVar
from starlette.requests import ClientDisconnect

from pipelines.core.errors import BodyTooLarge, RequestStalled
from services.intake.upload import Body
from services.settings import MEBIBYTE, Settings
from services.store.room import Quota
from services.work.spool import Spool

#: Bytes handed to a thread at once: large enough that the hop costs nothing, small enough to be no memory.
BLOCK_BYTES: Final = MEBIBYTE
#: Bodies open at the same time; more wait, unread, so that the blocks of hundreds do not add up.
UPLOADS: Final = 32
#: Threads that parse, hash, write and commit for all of them.
THREADS: Final = 4
#: A sender that is silent for so long is given up: it holds a place that others wait for.
STALL_SECONDS: Final = 60.0
#: Who sends less than this while so long was waited for is given up as well (1 KiB/s): a few that drip would take all
#: places.
LEAST_BYTES: Final = 60 * 1024
#: A refused body is read on for so long: a connection closed on unread bytes may lose the answer.
DRAIN_BYTES: Final = 16 * MEBIBYTE
DRAIN_SECONDS: Final = 5.0

_uploads: RunVar[CapacityLimiter] = RunVar("overread_uploads")
_threads: RunVar[CapacityLimiter] = RunVar("overread_upload_threads")
Arguments = TypeVarTuple("Arguments")
Value = TypeVar("Value")


def _limiter(variable: RunVar[CapacityLimiter], places: int) -> CapacityLimiter:
    """One limiter for each event loop, made on first use."""
    limiter = variable.get(None)
    if limiter is None:
        limiter = CapacityLimiter(places)
        variable.set(limiter)
    return limiter


def upload_slot() -> CapacityLimiter:
    """`async with` it around the work on one body."""
    return _limiter(_uploads, UPLOADS)


async def in_thread(work: Callable[[*Arguments], Value], *arguments: *Arguments) -> Value:
    """Run blocking work in intake's own threads; the caller's cancellation waits until it is done."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=_limiter(_threads, THREADS))


@asynccontextmanager
async def spooling(settings: Settings, quota: Quota | None = None) -> AsyncIterator[Spool]:
    """The spool of one request; raises StorageFull."""
    spool = Spool(settings, quota)
    await in_thread(spool.__enter__)
    try:
        yield spool
    finally:
        with CancelScope(shield=True):
            await in_thread(spool.__exit__)


async def pour(stream: AsyncIterator[bytes], body: Body, most: int) -> None:
    """Feed the stream to the body and end it; raises BodyTooLarge past `most` bytes, RequestStalled."""
    block = bytearray()
    left = most
    try:
        async for chunk in _unstalled(stream):
            left -= len(chunk)
            block += chunk
            if left < 0:
                del block[left:]
                raise BodyTooLarge(limit=most)
            if len(block) >= BLOCK_BYTES:
                await in_thread(body.feed, bytes(block))
                block.clear()
    except (BodyTooLarge, RequestStalled, ClientDisconnect):
        # What came before the end still counts.
        with CancelScope(shield=True):
            await in_thread(body.feed, bytes(block))
        raise
    await in_thread(body.feed, bytes(block))
    await in_thread(body.end)


async def _unstalled(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream as long as it flows; only the time that the sender takes counts, not that of disk and database."""
    waited, came = 0.0, 0
    while True:
        began = anyio.current_time()
        try:
            with anyio.fail_after(STALL_SECONDS):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise RequestStalled(seconds=STALL_SECONDS) from None
        waited, came = waited + anyio.current_time() - began, came + len(chunk)
        if waited >= STALL_SECONDS:
            if came < LEAST_BYTES:
                raise RequestStalled(seconds=STALL_SECONDS)
            waited, came = 0.0, 0
        yield chunk


async def drain(stream: AsyncIterator[bytes]) -> None:
    """Read on for a while, so that the sender hears the answer."""
    left = DRAIN_BYTES
    with anyio.move_on_after(DRAIN_SECONDS):
        try:
            async for chunk in stream:
                left -= len(chunk)
                if left <= 0:
                    return
        except ClientDisconnect:
            return
