"""Bugs that the self-test can plant to show that it would find them: a proof that cannot fail proves nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from threading import Thread
from typing import Any, Final

#: How long the acknowledged files are only in memory.
EARLY_SECONDS: Final = 1.0


class Bug(StrEnum):
    """A way to lose or double work that the self-test must find."""

    ACKNOWLEDGE_EARLY = "acknowledge-early"  #: intake answers before anything is durable
    NO_FENCE = "no-fence"  #: a worker saves whatever it finished, whoever holds the job by now


def plant(bug: Bug) -> None:
    """Have this process do it wrong from now on."""
    BUGS[bug]()


def acknowledge_early() -> None:
    """Answer for DICOM files that came in one by one as if they were stored, and store them a second later."""
    from pipelines.imaging.dicom import read_header
    from services.intake.answers import Answer, answer
    from services.intake.upload import Upload
    from services.work.outcomes import FileOutcome, FileStatus
    from services.work.places import Received
    from services.work.spool import Spool

    finish = Upload.finish

    def finish_later(upload: Upload) -> None:
        time.sleep(EARLY_SECONDS)
        finish(upload)

    def early(upload: Upload) -> Answer:
        waiting = [file for _, file in upload._submission._waiting]
        if not waiting:
            return finish(upload)
        outcomes = [
            FileOutcome(file.name, FileStatus.STORED, sop_instance_uid=read_header(file.path).sop_instance_uid)
            for file in waiting
        ]
        Thread(target=finish_later, args=(upload,), daemon=True).start()
        return answer(Received(tuple(outcomes), ()))

    def stay(*_: object) -> None:
        """The spool's folder stays: its files are still to be taken in."""

    Upload.finish = early  # type: ignore[method-assign, assignment]
    Spool.__exit__ = stay  # type: ignore[method-assign]


def no_fence() -> None:
    """Whoever has a result of a job saves it as if the job were still its own."""
    from sqlalchemy import ColumnElement, select

    from services.store import attempts, leases, results
    from services.store.leases import Claim
    from services.store.tables import Job

    def unguarded(claim: Claim) -> tuple[ColumnElement[bool], ...]:
        return (Job.id == claim.job_id,)

    save = results.save_result

    def save_as_anybody(session: Any, blobs: Any, claim: Claim, *rest: Any) -> Any:  # Any: save_result's own
        fence = session.scalar(select(Job.fence).where(Job.id == claim.job_id))
        return save(session, blobs, replace(claim, fence=fence), *rest)

    leases.held = attempts.held = unguarded  # type: ignore[attr-defined]
    results.save_result = save_as_anybody  # type: ignore[assignment]


BUGS: Final[dict[Bug, Callable[[], None]]] = {Bug.ACKNOWLEDGE_EARLY: acknowledge_early, Bug.NO_FENCE: no_fence}
