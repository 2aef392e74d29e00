"""`overread run`: one pipeline on local files, without any service."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.core.errors import Conflict, UnsuitableInput
from services.cli.console import JsonFlag, print_json, stdout, steps_bar
from services.cli.local import read_settings

if TYPE_CHECKING:
    from pipelines.core.types import Reading
    from pipelines.imaging.subject import LocalSubject
    from pipelines.registry import Entry

PipelineName = Annotated[str, typer.Argument(help="The pipeline's name, e.g. retinopathy.", metavar="PIPELINE")]
ModelFolder = Annotated[
    Path | None,
    typer.Option(
        "--model",
        exists=True,
        file_okay=False,
        help="Bundle folder, of any MONAI bundle under a name of yours; default: the one that came with Overread.",
    ),
]


def run(
    pipeline: PipelineName,
    paths: Annotated[
        list[Path], typer.Argument(help="DICOM files, photographs, a NIfTI volume or raw data; one study.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", file_okay=False, help="Folder for what is made.")],
    model: ModelFolder = None,
    json: JsonFlag = False,
) -> None:
    """Read local files with one pipeline: result.json, pictures and DICOM objects go to a folder.

    A study that cannot be graded, or of which the model is not sure, is a result too, and ends with 0.
    """
    from pipelines.exporters.json import reading_json
    from pipelines.imaging.decoder import Decoder
    from pipelines.imaging.subject import subject_from_files
    from pipelines.registry import resolve
    from services.cli.parcels import collect

    chosen = chosen_entry(pipeline, model)
    files = [letter.path for letter in collect(paths)]
    folder = model or read_settings().models_dir / chosen.model
    with (
        Decoder() as decoder,
        subject_from_files(files, decoder, chosen.subject) as local,
        resolve(checked(chosen, local), folder) as reader,
        steps_bar() as progress,
    ):
        may_write(output, local)
        reading = reader.run(local.subject, progress)
        document = reading_json(reading, id=reading.receipt.digest, study_id=None, role="live", current=True)
        written = write(output, chosen, reading, local, document)
    if json:
        print_json(document)
    else:
        report(document, output, written)


def chosen_entry(pipeline: str, model: Path | None) -> Entry:
    """The pipeline of this name, or for any other name the MONAI bundle in `model`, interpreted and never trusted.

    Raises NotFound, BundleRefused.
    """
    from pipelines.registry import ENTRIES, entry

    if model is None or pipeline in ENTRIES:
        return entry(pipeline)
    from pipelines.nets.zoo_check import Wishes
    from pipelines.nets.zoo_open import check

    return check(model, Wishes(name=pipeline)).entry()


def checked(chosen: Entry, local: LocalSubject) -> Entry:
    """The entry, if it reads such files; raises UnsuitableInput with the reason."""
    from pipelines.registry import SubjectHeader

    instances = local.subject.instances
    header = SubjectHeader(
        kind=local.subject.kind,
        modalities=frozenset(instance.modality for instance in instances),
        sop_class_uids=frozenset(instance.sop_class_uid for instance in instances),
        instances=len(instances),
    )
    if not chosen.accepts.matches(header):
        raise UnsuitableInput(f"{chosen.name} cannot read this: {chosen.accepts.reason(header)}")
    return chosen


def may_write(folder: Path, local: LocalSubject) -> None:
    """Raises Conflict where the folder holds the result of other images: two patients' pictures would lie mixed."""
    import json

    from pipelines.core.receipt import input_digests

    try:
        inputs = json.loads((folder / "result.json").read_bytes())["receipt"]["inputs"]
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError):
        inputs = None
    if inputs != list(input_digests(instance.sha256 for instance in local.subject.instances)):
        raise Conflict(f"{folder} holds the result of other images; name another folder", code="folder_taken")


def write(folder: Path, chosen: Entry, reading: Reading, local: LocalSubject, document: dict[str, object]) -> int:
    """Write the result, its artifacts and every format that the pipeline names; returns the number of files."""
    from pipelines.core.receipt import canonical_json
    from pipelines.exporters.base import Source
    from pipelines.exporters.json import JsonExporter
    from pipelines.exporters.registry import EXPORTERS

    source = Source(local.headers, datetime.now(UTC))
    contents = {"result.json": canonical_json(document)}
    contents |= {artifact.name: artifact.content for artifact in reading.artifacts}
    for name in chosen.exporters:
        # The document above is the JSON one, with the ids that the contract has beside it.
        if name != JsonExporter.name:
            contents |= {export.name: export.content for export in EXPORTERS[name]().export(reading, source)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return len(contents)


def report(document: dict[str, object], folder: Path, written: int) -> None:
    """Say in words what was found and where it lies."""
    from services.work.spoken import sentences

    out = stdout()
    for line in sentences(document):
        out.print(line, markup=False)
    out.print(f"{written} files in {folder}", style="dim", markup=False)
