"""A worker on a real broker whose jobs only say that they begin and end: `python -m ... BROKER_URL SECONDS`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from threading import Event

from services.broker import make_app
from services.settings import Settings
from services.worker.tasks import consume, register


@dataclass
class Slow:
    """Takes its time over each ring."""

    seconds: float
    stopping: Event = field(default_factory=Event)

    def run(self, queue: str) -> bool:
        """Say so, and take the time."""
        say("begin")
        say("stopped" if self.stopping.wait(self.seconds) else "end")
        return True

    def let_go(self, error: Exception) -> None:
        """It holds nothing."""

    def is_grown(self) -> bool:
        """It stays as small as it is."""
        return False


def say(word: str) -> None:
    """A line for the test that listens."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    app = make_app(Settings(broker_url=sys.argv[1]))
    slow = Slow(float(sys.argv[2]))
    register(app, slow)  # type: ignore[arg-type]
    consume(app, ["tests"], "slow", slow.stopping)
