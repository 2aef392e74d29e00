"""The key pictures of a report: those that a reader looked at, a few of each question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.errors import OverreadError
from pipelines.core.report import Picture, Report
from services.log import logger
from services.store.blobs import Blobs
from services.store.studies import StudyTree
from services.store.tables import ArtifactRow, Blob, Instance, Result
from services.work.render import Pictures
from services.work.spoken import EYES, SIDES

log = logger("api")
#: Pictures of a question at most: the page stays one page.
MOST: Final = 3
#: Kinds of artifacts that are pictures to be looked at, and what they show.
SHOWN: Final[Mapping[str, str]] = {
    "overlay": "with heat-map",
    "preview": "outlines on the slices that were measured",
    "panel": "zero-filled, reconstruction, uncertainty, residual",
}
WIDTH: Final = 960  # pixels: 114 mm, as wide as a picture alone on the page is, at 210 dots an inch
#: Heat-map that is not to be relied on, Grad-CAM lying where it should not.
DOUBTED: Final = "with heat-map, not reliable here"


def key_pictures(session: Session, tree: StudyTree, result: Result) -> tuple[Picture, ...]:
    """At most MOST pictures of what was read; those whose bytes retention has removed are left out."""
    found = list(_by_image(session, tree, result)) or list(_of_whole(session, result))
    return tuple(found[:MOST])


def fetched(report: Report, pictures: Pictures, blobs: Blobs) -> dict[str, bytes]:
    """The report's pictures as JPEG, WIDTH pixels wide, by the sha256 of their blob.

    A lost one is left out and does not keep the page back, since the words are the report.
    """
    found = {}
    for sha256 in dict.fromkeys(picture.sha256 for section in report.sections for picture in section.pictures):
        try:
            found[sha256] = pictures.picture(blobs, sha256, WIDTH)
        except OverreadError as error:
            log.warning("report.picture_missing", study=report.study_id, code=error.code)
    return found


def _by_image(session: Session, tree: StudyTree, result: Result) -> Iterator[Picture]:
    """One for each photograph: its overlay, or itself where it has none."""
    if result.pipeline != "retinopathy":
        return
    instances = {one.sop_instance_uid: one for each in tree.series for one in each.instances if not one.conflict}
    overlays = {row.name: row for row in _pictures(session, result) if row.kind == "overlay"}
    images = sorted(result.document["images"], key=lambda image: image["laterality"] or "", reverse=True)
    for image in images:
        side = _side(image)
        overlay = next((overlays[name] for name in image["artifacts"] if name in overlays), None)
        instance = instances.get(image["sop_instance_uid"])
        if overlay is not None:
            yield _artifact(overlay, f"{side}, {_heat_map(image)}")
        elif instance is not None and _is_kept(session, instance):
            yield Picture(
                f"{side}, photograph", f"/instances/{instance.id}/rendered?width={WIDTH}", instance.blob_sha256
            )


def _of_whole(session: Session, result: Result) -> Iterator[Picture]:
    for row in _pictures(session, result):
        yield _artifact(row, SHOWN[row.kind].capitalize())


def _pictures(session: Session, result: Result) -> list[ArtifactRow]:
    rows = (
        select(ArtifactRow)
        .join(Blob, Blob.sha256 == ArtifactRow.blob_sha256)
        .where(ArtifactRow.result_id == result.id, ArtifactRow.kind.in_(sorted(SHOWN)), Blob.removed_at.is_(None))
    )
    return list(session.scalars(rows.order_by(ArtifactRow.name)))


def _artifact(row: ArtifactRow, caption: str) -> Picture:
    return Picture(caption, f"/results/{row.result_id}/artifacts/{quote(row.name, safe='')}", row.blob_sha256)


def _side(image: Mapping[str, Any]) -> str:  # Any: JSON
    side = image["laterality"]
    return EYES.get(side, SIDES[None]).capitalize() if side else "Image"


def _heat_map(image: Mapping[str, Any]) -> str:  # Any: JSON
    explained = image.get("explanation")
    return SHOWN["overlay"] if explained is None or explained["reliable"] else DOUBTED


def _is_kept(session: Session, instance: Instance) -> bool:
    blob = session.get(Blob, instance.blob_sha256)
    return blob is not None and blob.removed_at is None
