"""The options that say what a batch is: one place for `reprocess preview` and `reprocess start`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.core.errors import BadRequest
from services.cli.console import JsonFlag
from services.cli.local import DataOption

if TYPE_CHECKING:
    from services.work.asked import BatchAsked

Pipeline = Annotated[str, typer.Argument(help="The pipeline that reads.")]
Name = Annotated[str | None, typer.Option("--name", help="What the batch is called; default: by pipeline and version.")]
Version = Annotated[
    str | None, typer.Option("--model-version", help="The model version that reads; default: the active one.")
]
Folder = Annotated[Path | None, typer.Option("--folder", help="Read a folder tree of images, not stored studies.")]
PatientFrom = Annotated[
    str | None, typer.Option("--patient-from", help="What names the patients of photographs: folder or name.")
]
Side = Annotated[
    str | None, typer.Option("--laterality", help="Side of photographs whose names state none: R, L or B.")
]
Outside = Annotated[str | None, typer.Option("--archive", help="Read studies of this archive of OVERREAD_ARCHIVES.")]
Modality = Annotated[str | None, typer.Option("--modality", help="Of the archive: only studies of this modality.")]
First = Annotated[str | None, typer.Option("--from", help="First study date, YYYY-MM-DD.")]
Last = Annotated[str | None, typer.Option("--to", help="Last study date, YYYY-MM-DD.")]
ReadBy = Annotated[str | None, typer.Option("--read-by", help="Only what this model version has answered.")]
Finding = Annotated[
    str | None,
    typer.Option("--finding", help="Only answers with this finding: LABEL, or LABEL:MIN:MAX."),
]
Review = Annotated[str | None, typer.Option("--review", help="Only what is unread, drafted or signed.")]
Abstained = Annotated[
    bool | None, typer.Option("--abstained/--answered", help="Only what the model gave no answer about, or one.")
]
Window = Annotated[str | None, typer.Option("--window", help="Local times between which it runs: 22:00-06:00.")]
Zone = Annotated[str, typer.Option("--zone", help="IANA time zone of the window.")]
Studies = Annotated[int | None, typer.Option("--studies-a-night", help="No more studies than this a night.")]
Hours = Annotated[float | None, typer.Option("--hours-a-night", help="No more hours of reading than this a night.")]

Then = Callable[["BatchAsked", bool, Path | None], None]


def asking(then: Then) -> Callable[..., None]:
    """A command with all these options, which hands the batch that they mean to `then`, with --json and --data."""

    def command(
        pipeline: Pipeline,
        name: Name = None,
        model_version: Version = None,
        folder: Folder = None,
        patient_from: PatientFrom = None,
        laterality: Side = None,
        archive: Outside = None,
        modality: Modality = None,
        first: First = None,
        last: Last = None,
        read_by: ReadBy = None,
        finding: Finding = None,
        review: Review = None,
        abstained: Abstained = None,
        window: Window = None,
        zone: Zone = "UTC",
        studies_a_night: Studies = None,
        hours_a_night: Hours = None,
        json: JsonFlag = False,
        data: DataOption = None,
    ) -> None:
        days = {"from": first, "to": last}
        answers = {"read_by": read_by, "finding": _finding(finding), "review_state": review, "abstained": abstained}
        source: dict[str, object] = {"kind": "stored"}
        if folder is not None:
            told = {"patient_from": patient_from, "laterality": laterality}
            source = {"kind": "folder", "path": str(folder.resolve())} | _said(told)
        elif archive is not None:
            source = {"kind": "archive", "archive": archive, "query": _said(days | {"modality": modality})}
        stored = source["kind"] == "stored"
        asked = {
            "name": name or " ".join(filter(None, ("Re-read", pipeline, model_version))),
            "pipeline": pipeline,
            "model_version": model_version,
            "source": source,
            "query": _said(answers | days if stored else answers),
            "window": _window(window, zone),
            "budget": {"studies": studies_a_night, "hours": hours_a_night},
        }
        then(_checked(asked), json, data)

    return command


def _said(options: dict[str, Any]) -> dict[str, Any]:  # Any: options of several types, checked as JSON
    return {name: value for name, value in options.items() if value is not None}


def _checked(asked: Mapping[str, object]) -> BatchAsked:
    from pydantic import ValidationError

    from services.intake.asked import in_words
    from services.work.asked import BatchAsked

    try:
        return BatchAsked.model_validate(asked)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in wrong["loc"] if not str(part).endswith("Asked"))
        raise BadRequest(f"{place}: {in_words(wrong)}" if place else in_words(wrong)) from error


def _finding(words: str | None) -> dict[str, str] | None:
    if words is None:
        return None
    label, least, most = (*words.split(":"), "", "")[:3]
    return {"label": label} | ({"min": least} if least else {}) | ({"max": most} if most else {})


def _window(words: str | None, zone: str) -> dict[str, str] | None:
    if words is None:
        return None
    opens, _, closes = words.partition("-")
    return {"from": opens.strip(), "to": closes.strip(), "zone": zone}
