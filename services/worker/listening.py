"""A Celery bootstep that keeps a worker listening after its broker went away in the middle of a job."""

from __future__ import annotations

from typing import Any, Final

from celery import bootsteps

CHECK_SECONDS: Final = 1.0


class Listening(bootsteps.StartStopStep):  # type: ignore[misc]
    """Reconnects where an acknowledgement was lost.

    With one message at a time, kombu 5.7 asks for the next one only once the last is acknowledged. Where that failed,
    because the broker was away just then, it is never acknowledged, and never noticed: the worker would idle for ever.
    The check runs between jobs only (a job of the solo pool blocks the loop), when nothing may be unacknowledged.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **kwargs: Any) -> None:  # Any: celery is untyped
        """Nothing is checked yet."""
        self._timer: Any = None
        super().__init__(parent, **kwargs)

    def start(self, parent: Any) -> None:
        """Check from now on, whenever this connection's loop is free."""
        self._timer = parent.timer.call_repeatedly(CHECK_SECONDS, _check, (parent,))

    def stop(self, parent: Any) -> None:
        """Stop checking: the connection is gone or the worker ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _check(consumer: Any) -> None:
    """Raises ConnectionError, upon which Celery connects anew."""
    if consumer.task_consumer is not None and not consumer.task_consumer.channel.qos.can_consume():
        raise ConnectionError("an acknowledgement was lost with its connection")
