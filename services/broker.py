"""The doorbell: Celery messages that mean "there is work in this queue"; the database alone knows which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from services.settings import Settings

#: The one task there is; its only argument is a queue's name, so no payload can carry an identifier.
WORK_TASK: Final = "overread.work"
#: A broker that does not answer must not hold a request: the sweeper rings again.
SOCKET_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.05
#: An unacknowledged ring of a dead worker comes back after this long; leases in the database are what is relied on.
VISIBILITY_SECONDS: Final = 3600
RESTORE_SECONDS: Final = 10
RESTORE_THROTTLE: Final = 1


class Bell(Protocol):
    """Wakes the workers of a queue; may lose a ring, never raises."""

    def ring(self, queue: str) -> None:
        """Say that there is work in `queue`."""

    def waiting(self, queue: str) -> int | None:
        """How many rings nobody has heard yet; None where the broker does not answer."""


@dataclass(frozen=True)
class SilentBell:
    """Nobody listens: for tests and for programs that only read."""

    def ring(self, queue: str) -> None:
        """Do nothing."""

    def waiting(self, queue: str) -> int:
        """Nothing waits where nobody rings."""
        return 0


@dataclass(frozen=True)
class CeleryBell:
    """Rings through Celery's broker; a broker that is away costs a ring and nothing else."""

    app: Celery

    def ring(self, queue: str) -> None:
        """Send one message to `queue`; lost silently where the broker does not answer."""
        try:
            self.app.send_task(WORK_TASK, args=(queue,), queue=queue, retry=False, ignore_result=True)
        except (OperationalError, RedisError, OSError):
            return

    def waiting(self, queue: str) -> int | None:
        """Messages in `queue`, None where the broker does not answer."""
        try:
            with self.app.connection_for_read() as connection:
                return int(connection.default_channel.client.llen(queue))
        except (OperationalError, RedisError, OSError):
            return None


def make_app(settings: Settings) -> Celery:
    """The Celery application of these settings: late acknowledgement, one message at a time, no result backend."""
    app = Celery("overread", broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=SOCKET_SECONDS,
        broker_transport_options={
            "socket_timeout": SOCKET_SECONDS,
            "socket_connect_timeout": SOCKET_SECONDS,
            # One more try for a connection the broker closed meanwhile; without these kombu tries for seconds.
            "max_retries": 1,
            "interval_start": RETRY_SECONDS,
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": RESTORE_SECONDS,
            "unacked_restore_throttle": RESTORE_THROTTLE,
            "global_keyprefix": "overread:",
        },
    )
    return app


def open_bell(settings: Settings) -> Bell:
    """The bell of these settings; silent where no broker is configured."""
    return CeleryBell(make_app(settings)) if settings.broker_url else SilentBell()
