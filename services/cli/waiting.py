"""Waits until studies are read and prints what was found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from pipelines.core.errors import Unavailable
from services.cli.client import Document, Service
from services.cli.console import progress_bar, stdout
from services.work.spoken import sentences

POLL_SECONDS: Final = 0.3
#: Longer than a lease and a sweep: a job whose worker died has begun again by then.
PATIENCE_SECONDS: Final = 300.0
#: A job in one of these states changes no more by itself.
ENDED: Final = frozenset({"succeeded", "failed", "quarantined", "cancelled"})


def wait_for(service: Service, study_ids: Sequence[str], patience_seconds: float = PATIENCE_SECONDS) -> list[Document]:
    """The studies once none of their jobs can go on by itself, in the given order.

    Raises Unavailable where nothing has moved for `patience_seconds`.
    """
    latest: dict[str, Document] = {}
    moved = time.monotonic()
    with progress_bar() as progress:
        bar = progress.add_task("reading", total=len(study_ids))
        while True:
            before = standing(latest)
            for study_id in study_ids:
                if study_id not in latest or not is_read(latest[study_id]):
                    latest[study_id] = service.get(f"/api/v1/studies/{study_id}")
            progress.update(bar, completed=sum(share(study) for study in latest.values()))
            if all(is_read(study) for study in latest.values()):
                return [latest[study_id] for study_id in study_ids]
            if standing(latest) != before or is_running(latest):
                moved = time.monotonic()
            elif time.monotonic() - moved > patience_seconds:
                raise Unavailable("nothing has moved for a while: is a worker running?", code="nothing_moves")
            time.sleep(POLL_SECONDS)


def standing(studies: dict[str, Document]) -> list[object]:
    """Where every job stands; two that are equal mean that nothing has moved."""
    return [
        (study["state"], [(job["state"], job["step"], job["progress"], job["attempts"]) for job in study["jobs"]])
        for study in studies.values()
    ]


def is_running(studies: dict[str, Document]) -> bool:
    """Whether a worker holds a job: a long step shows no progress, and a dead worker loses its job to the sweep."""
    return any(job["state"] == "running" for study in studies.values() for job in study["jobs"])


def is_read(study: Document) -> bool:
    """Whether a study is closed and all its jobs have ended, those of the series it made too; or none takes it."""
    has_ended = study["state"] == "complete" and all(job["state"] in ENDED for job in study["jobs"])
    return has_ended and made_series(study) <= {series["derived_from"] for series in study["series"]}


def made_series(study: Document) -> set[str]:
    """The current results that made a series: it comes into the study a moment after its result."""
    return {
        result["id"]
        for result in study["results"]
        if result["current"] and any(artifact["kind"] == "derived_series" for artifact in result["artifacts"])
    }


def share(study: Document) -> float:
    """How much of a study's work is done, 0-1."""
    if is_read(study):
        return 1.0
    return sum(job["progress"] for job in study["jobs"]) / len(study["jobs"]) if study["jobs"] else 0.0


def print_findings(url: str, studies: Sequence[Document], titles: Sequence[str] = ()) -> None:
    """What was found in each study, with the page where a clinician decides."""
    out = stdout()
    for number, study in enumerate(studies):
        out.print()
        out.print(titles[number] if titles else f"Study {study['id']}", style="bold")
        for line in lines_of(study):
            out.print(f"  {line}", markup=False)
        out.print(f"  {url}/studies/{study['id']}", style="cyan")


def lines_of(study: Document) -> list[str]:
    """A study's current results in words, and why there is none where there is none."""
    current = [result for result in study["results"] if result["current"]]
    lines = [
        f"{result['pipeline']}: {line}" if len(current) > 1 else line
        for result in current
        for line in sentences(result)
    ]
    lines += [
        f"{job['pipeline']}: {job['state']}, {job['error_detail']} ({job['error_code']})"
        for job in study["jobs"]
        if job["state"] in ENDED - {"succeeded"}
    ]
    if study["unrouted_reason"]:
        lines.append(f"not read: {study['unrouted_reason']}")
    return lines
