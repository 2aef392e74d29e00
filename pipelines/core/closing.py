"""What is opened is closed by `with`: the two methods of whatever holds processes or memory meanwhile."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Something that a `with` block closes at its end, however it ends."""

    @abstractmethod
    def close(self) -> None:
        """Give back processes and memory."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
