"""What work needs of the doorbell: services.broker stands on the floor below and knows Celery, this does not."""

from __future__ import annotations

from typing import Protocol


class Rings(Protocol):
    """Wakes the workers of a queue; may lose a ring, never raises (services.broker.Bell is one)."""

    def ring(self, queue: str) -> None:
        """Say that there is work in `queue`."""
