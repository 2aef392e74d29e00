"""The rows of what was received, and of what pipelines made of it: studies, series, instances, files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.archive_sql import Archived, Rows, sha256, ulid

IMAGE_JOIN: Final = "fill_visits v JOIN fill_images k ON k.k <= v.images"
DERIVED_IMAGES: Final = 4
DERIVED_JOIN: Final = (
    f"fill_visits v JOIN fill_images k ON k.k <= {DERIVED_IMAGES} WHERE v.pipeline = 'reconstruction'"
    " AND v.answer IS NOT NULL"
)
FILES: Final = ("map.npy", "overlay.png", "report.dcm")


def images(ids: Archived) -> Iterator[Rows]:
    """Studies with what was received of them."""
    yield Rows(
        "studies",
        {
            "id": "v.study_id",
            "site_id": f"'{ids.site_id}'",
            "patient_id": "v.patient_id",
            "study_instance_uid": "v.uid",
            "state": "v.state",
            "priority": "v.priority",
            "study_date": "v.study_date",
            "description": "v.description",
            "accession_number": "v.accession",
            "unrouted_reason": "v.unrouted",
            "created_at": "v.created_at",
            "last_instance_at": "v.created_at",
            "completed_at": "CASE WHEN v.state = 'complete' THEN v.created_at END",
        },
        "fill_visits v",
    )
    yield Rows("search_texts", {"study_id": "v.study_id", "words": "v.words"}, "fill_visits v ORDER BY v.n")
    yield Rows(
        "series",
        {
            "id": ulid("series"),
            "study_id": "v.study_id",
            "series_instance_uid": "v.uid || '.1'",
            "modality": "v.modality",
            "description": "v.description",
            "state": "CASE WHEN v.state = 'complete' THEN 'closed' ELSE 'open' END",
            "digest": f"CASE WHEN v.state = 'complete' THEN {sha256('series')} END",
            "created_at": "v.created_at",
            "closed_at": "CASE WHEN v.state = 'complete' THEN v.created_at END",
        },
        "fill_visits v",
    )
    yield blobs("image", IMAGE_JOIN, 2_000_000, "application/dicom", "k.k")
    yield instances("image", IMAGE_JOIN, ulid("series"), "1")


def blobs(kind: str, source: str, size: int, media_type: str, number: str) -> Rows:
    """Rows of bytes; none lie behind them."""
    name = sha256(kind, "'.'", number)
    return Rows(
        "blobs",
        {
            "sha256": name,
            "bytes": str(size),
            "media_type": f"'{media_type}'",
            "place": f"substr({name}, 1, 2) || '/' || {name}",
            "created_at": "v.created_at",
        },
        source,
    )


def instances(kind: str, source: str, series_id: str, series: str) -> Rows:
    """One instance an image of a visit."""
    return Rows(
        "instances",
        {
            "id": ulid(kind, "'.'", "k.k"),
            "series_id": series_id,
            "sop_instance_uid": f"v.uid || '.{series}.' || k.k",
            "sop_class_uid": "v.sop_class",
            "transfer_syntax": "'1.2.840.10008.1.2.4.50'",
            "blob_sha256": sha256(kind, "'.'", "k.k"),
            "instance_number": "k.k",
            "laterality": "CASE WHEN v.modality = 'OP' THEN CASE k.k % 2 WHEN 1 THEN 'L' ELSE 'R' END END",
            "rows": "2848",
            "columns": "4288",
            "received_at": "v.created_at",
        },
        source,
    )


def made() -> Iterator[Rows]:
    """The files of results, and the series that reconstructions made."""
    answered = "v.answer IS NOT NULL"
    for number, name in enumerate(FILES, start=1):
        yield blobs("file", f"fill_visits v WHERE {answered}", 20_000, "application/octet-stream", str(number))
        yield artifacts("file", f"'{name}'", "'file'", f"fill_visits v WHERE {answered}", str(number))
    yield blobs("derived", DERIVED_JOIN, 100_000, "application/dicom", "k.k")
    yield artifacts("derived", "'reconstruction-' || k.k || '.dcm'", "'derived_series'", DERIVED_JOIN, "k.k")
    yield Rows(
        "series",
        {
            "id": ulid("derived series"),
            "study_id": "v.study_id",
            "series_instance_uid": "v.uid || '.2'",
            "modality": "v.modality",
            "state": "'closed'",
            "digest": sha256("derived series"),
            "derived_from": ulid("result"),
            "created_at": "v.ended_at",
            "closed_at": "v.ended_at",
        },
        f"fill_visits v WHERE v.pipeline = 'reconstruction' AND {answered}",
    )
    yield instances("derived", DERIVED_JOIN, ulid("derived series"), "2")


def artifacts(kind: str, name: str, word: str, source: str, number: str) -> Rows:
    """The files that a result owns."""
    return Rows(
        "artifacts",
        {
            "id": ulid(f"{kind} artifact", "'.'", number),
            "result_id": ulid("result"),
            "name": name,
            "kind": word,
            "media_type": "'application/octet-stream'",
            "bytes": "20000",
            "blob_sha256": sha256(kind, "'.'", number),
        },
        source,
    )
