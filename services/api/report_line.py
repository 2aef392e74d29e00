"""Where readers wait for files of reports: one is written at a time, and who waits takes no thread of others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pipelines.core.closing import Closing
from pipelines.core.errors import ReportsBusy
from services.work.report_process import ReportProcess

#: Each holds the words of a page meanwhile, some tens of kilobytes.
MOST_WAITING: Final = 64
#: Who has not had a turn by then is told to come again; a turn takes a tenth of a second.
TURN_SECONDS: Final = 30.0
#: A process that nobody asks for so long gives its memory back; the next file waits for another one to start.
IDLE_SECONDS: Final = 60.0


class ReportLine(Closing):
    """The one process of this API that writes files of reports, and the line before it; for one event loop."""

    def __init__(self, process: ReportProcess) -> None:
        """The process is started when somebody asks for the first file."""
        self._process = process
        # A thread that stays: the process dies with the thread that started it.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reports")
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._rest: asyncio.TimerHandle | None = None

    async def file(self, write: Callable[[ReportProcess], bytes]) -> bytes:
        """What `write` makes of the process, in its turn; raises ReportsBusy where the line is too long or too slow."""
        await self._wait()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, write, self._process)
        finally:
            self._turn.release()
            if self._rest is not None:
                self._rest.cancel()
            self._rest = loop.call_later(IDLE_SECONDS, self._thread.submit, self._process.close)

    def close(self) -> None:
        """Wait for what is being written, and take no more."""
        if self._rest is not None:
            self._rest.cancel()
        self._thread.shutdown()

    async def _wait(self) -> None:
        if self._waiting >= MOST_WAITING:
            raise ReportsBusy
        self._waiting += 1
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise ReportsBusy from None
        finally:
            self._waiting -= 1
