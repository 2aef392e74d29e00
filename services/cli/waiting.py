"""Waits until studies are read and prints what was found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from services.cli.client import Document, Service
from services.cli.console import progress_bar, stdout
from services.cli.findings import sentences

POLL_SECONDS: Final = 0.3
#: A job in one of these states changes no more by itself.
ENDED: Final = frozenset({"succeeded", "failed", "quarantined", "cancelled"})


def wait_for(service: Service, study_ids: Sequence[str]) -> list[Document]:
    """The studies once none of their jobs can go on by itself, in the given order."""
    done: dict[str, Document] = {}
    with progress_bar() as progress:
        bar = progress.add_task("reading", total=len(study_ids))
        while len(done) < len(study_ids):
            reached = 0.0
            for study_id in study_ids:
                if study_id in done:
                    continue
                study = service.get(f"/api/v1/studies/{study_id}")
                if is_read(study):
                    done[study_id] = study
                reached += share(study)
            progress.update(bar, completed=len(done) + reached)
            if len(done) < len(study_ids):
                time.sleep(POLL_SECONDS)
    return [done[study_id] for study_id in study_ids]


def is_read(study: Document) -> bool:
    """Whether a study is closed and all its jobs have ended, or none takes it."""
    return study["state"] == "complete" and all(job["state"] in ENDED for job in study["jobs"])


def share(study: Document) -> float:
    """How much of a study's work is done, 0-1; 0 for one that is through, which is counted elsewhere."""
    jobs = study["jobs"]
    return 0.0 if not jobs or is_read(study) else sum(job["progress"] for job in jobs) / len(jobs)


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
    lines = [line for result in study["results"] if result["current"] for line in sentences(result)]
    lines += [
        f"{job['pipeline']}: {job['state']}, {job['error_detail']} ({job['error_code']})"
        for job in study["jobs"]
        if job["state"] in ENDED - {"succeeded"}
    ]
    if study["unrouted_reason"]:
        lines.append(f"not read: {study['unrouted_reason']}")
    return lines
