"""Where in the code an error came from, in words that a log may hold."""

from __future__ import annotations

import traceback
from typing import Final

#: Code lines of each error, innermost last.
_MOST: Final = 8


def places(error: BaseException) -> list[str]:
    """Code lines of the error and its causes, innermost last; no messages and no values, which may name a patient."""
    summary: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        frames = traceback.extract_tb(cause.__traceback__)
        summary.append(type(cause).__name__)
        summary.extend(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames[-_MOST:])
        cause = cause.__cause__
    return summary
