"""`overread submit`: files and folders go to a running Overread; the same command goes on where it was interrupted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pipelines.core.types import Laterality
from services.cli.console import DEFAULT_URL, Exit, JsonFlag, KeyOption, UrlOption, print_json

if TYPE_CHECKING:
    from services.cli.client import Document
    from services.cli.sending import Delivery

REFUSALS_SHOWN: Final = 20
AcquiredOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Photographs only: when they were taken (2026-01-31, 2026-01-31T14:30); once for all, or once each. "
        "Default: their camera's own date."
    ),
]


class Haste(StrEnum):
    """The contract's word for a study's place in the queue."""

    STAT = "stat"  #: somebody is waiting
    ROUTINE = "routine"  #: today's work
    BATCH = "batch"  #: when nothing else waits


def submit(
    paths: Annotated[
        list[Path], typer.Argument(help="DICOM files, archives, photographs, NIfTI, raw MRI data, and folders.")
    ],
    key: KeyOption = "",
    url: UrlOption = DEFAULT_URL,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until everything is read and print the findings.")] = False,
    patient_id: Annotated[str | None, typer.Option(help="Of files that are no DICOM: whose they are.")] = None,
    laterality: Annotated[
        list[Laterality] | None,
        typer.Option(help="Photographs only: which eye; once for all, or once each. Default: from the file's name."),
    ] = None,
    acquired: AcquiredOption = None,
    study_uid: Annotated[str | None, typer.Option(help="Of files that are no DICOM: their study.")] = None,
    priority: Annotated[Haste, typer.Option(help="How soon they should be read.")] = Haste.ROUTINE,
    pipeline: Annotated[str | None, typer.Option(help="Read with this pipeline only.")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="Requests under way at a time.")] = 4,
    json: JsonFlag = False,
) -> None:
    """Send files and folders; the photographs of one folder are one visit.

    Ends with 0 where every file was kept (and read, with --wait), 3 where some were not, 1 where none was kept.
    """
    from services.cli.client import connected
    from services.cli.journal import journal_of
    from services.cli.parcels import collect, pack
    from services.cli.sending import Wishes, of_photographs, send_all
    from services.cli.waiting import print_findings, wait_for

    letters = collect(paths)
    sides = of_photographs(letters, [side.value for side in laterality or []], "--laterality")
    moments = of_photographs(letters, acquired or [], "--acquired")
    wishes = Wishes(patient_id, study_uid, priority, pipeline, sides, moments)
    journal = journal_of(url, paths, Path.home())
    missing = [letter for letter in letters if not journal.holds(letter)]
    with connected(url, key) as service:
        delivery = send_all(service, list(pack(missing)), wishes, journal, parallel)
        studies = [service.complete(study) for study in journal.studies]
        journal.close()
        if wait:
            studies = wait_for(service, [study["id"] for study in studies])
    report(delivery, studies, len(letters) - len(missing), json)
    if wait and not json:
        print_findings(url, studies)
    kept = delivery.kept + len(letters) - len(missing)
    raise SystemExit(exit_code(kept, whole=not delivery.refused and not any(map(has_failed, studies))))


def report(delivery: Delivery, studies: Sequence[Document], before: int, json: bool) -> None:
    """Say what was kept and what was refused, and why."""
    if json:
        counts = {status: delivery.counts[status] for status in ("stored", "duplicate", "conflict", "rejected")}
        print_json({**counts, "sent_before": before, "refused": delivery.refused, "studies": list(studies)})
        return
    parts = [f"{number} {status}" for status, number in sorted(delivery.counts.items())]
    if before:
        parts.append(f"{before} sent before")
    print(f"{', '.join(parts) or 'nothing to send'}; studies: {len(studies)}")
    for refused in delivery.refused[:REFUSALS_SHOWN]:
        print(f"  {refused['name']}: {refused['detail']} ({refused['code']})", file=sys.stderr)
    if len(delivery.refused) > REFUSALS_SHOWN:
        print(f"  and {len(delivery.refused) - REFUSALS_SHOWN} more; --json lists all", file=sys.stderr)


def has_failed(study: Document) -> bool:
    """Whether a study that was waited for was not read to its end."""
    return any(isinstance(job, dict) and job["state"] in {"failed", "quarantined"} for job in study["jobs"])


def exit_code(kept: int, *, whole: bool) -> Exit:
    """How the command ends: by whether everything, something or nothing was kept and read."""
    if not kept:
        return Exit.FAILED
    return Exit.OK if whole else Exit.PARTLY
