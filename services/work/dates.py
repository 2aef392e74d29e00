"""When photographs were taken: as their sender says, else by their camera's clock, else nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final, Protocol

from pipelines.core.errors import BadAcquired, OverreadError, Unavailable
from pipelines.imaging.taken import Taken, day_of, read_clock, read_taken

BY_CAMERA: Final = "camera_date"


class ReadsClocks(Protocol):
    """The memory-limited child process that reads pictures (pipelines.imaging.decoder.Decoder is one)."""

    def camera_clock(self, path: Path) -> str:
        """When the picture at `path` was taken by its camera's clock, as EXIF has it; empty: it says nothing."""


@dataclass(frozen=True, slots=True)
class Dated:
    """When a photograph was taken; `code` and `detail` say what its sender should know of that."""

    taken: Taken | None = None
    by_camera: bool = False
    code: str | None = None
    detail: str | None = None


UNDATED: Final = Dated()


def dated(decoder: ReadsClocks, path: Path, stated: str | None) -> Dated:
    """When the photograph at `path` was taken; `stated` is its sender's ISO 8601.

    A file that cannot be read has no date; its wrapping says what is wrong. Raises BadAcquired, Unavailable.
    """
    now = datetime.now(UTC)
    if stated is not None:
        return Dated(read_taken(stated, now))
    try:
        taken = read_clock(decoder.camera_clock(path), now)
    except BadAcquired as error:
        return Dated(code=error.code, detail=error.sentence)
    except Unavailable:
        raise
    except OverreadError:
        return UNDATED
    if taken is None:
        return UNDATED
    return Dated(taken, by_camera=True, code=BY_CAMERA, detail="nobody stated its date; it is the camera's own (EXIF)")


def begin_of(dates: Iterable[Taken]) -> Taken | None:
    """When a visit began: its first day, with the first time of it that is known; None where no date is."""
    return min(dates, key=_order, default=None)


def _order(taken: Taken) -> tuple[object, bool, time]:
    moment = taken.time() if isinstance(taken, datetime) else time.max
    return day_of(taken), not isinstance(taken, datetime), moment
