"""Takes whole files in: header check, durable blobs, then one short transaction for a bounded group of instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from pipelines.core.errors import BadInput, OverreadError, Overtaken
from pipelines.imaging.dicom import read_header
from services.settings import Settings
from services.store.blobs import Published
from services.store.session import unit_of_work
from services.store.stores import Store
from services.work.arrivals import Arrival, write_study
from services.work.outcomes import FileOutcome, IntakeOptions, Readied, rejected
from services.work.rejections import Refused, reject
from services.work.same import Compared, compare
from services.work.spool import SpooledFile

#: So often other bytes may come under a group's UIDs while it is compared with what is stored.
ROUNDS: Final = 5


def receive(store: Store, settings: Settings, spooled: SpooledFile, options: IntakeOptions, actor: str) -> FileOutcome:
    """Take one DICOM file in; see `receive_group`."""
    return receive_group(store, settings, [spooled], options, actor)[0]


def receive_group(
    store: Store, settings: Settings, files: Sequence[SpooledFile], options: IntakeOptions, actor: str
) -> list[FileOutcome]:
    """Take DICOM files in, a bounded number at a time, and say for each what became of it, in their order.

    Headers only, no pixel is decoded. What is no usable DICOM is rejected and quarantined. Raises StorageFull,
    DatabaseUnavailable and BytesGone: then none of the group is kept.
    """
    read = [_readied(file) for file in files]
    kept = iter(keep(store, [one for one in read if isinstance(one, Readied)], options, actor))
    refused = [
        Refused(one, file.bytes, file.path)
        for file, one in zip(files, read, strict=True)
        if isinstance(one, OverreadError)
    ]
    reject(store, settings, refused, actor, options.source)
    return [
        next(kept) if isinstance(one, Readied) else rejected(file.name, one)
        for file, one in zip(files, read, strict=True)
    ]


def _readied(file: SpooledFile) -> Readied | BadInput:
    try:
        return Readied(file, read_header(file.path))
    except BadInput as error:
        return error


def keep(store: Store, group: Sequence[Readied], options: IntakeOptions, actor: str) -> list[FileOutcome]:
    """Make the files durable, then write their rows in one transaction; answers in the group's order.

    A process killed in between leaves blobs nobody refers to, which are collected later (see collect.py). Raises
    StorageFull, DatabaseUnavailable, BytesGone, Overtaken: then none of the group is kept.
    """
    if not group:
        return []
    published: dict[str, Published] = {}
    for _ in range(ROUNDS):
        compared = compare(store, group)
        published |= _publish(store, compared, published)
        try:
            return _written(store, [_arrival(one, published) for one in compared], options, actor)
        except Overtaken:
            continue
    raise Overtaken


def _written(store: Store, group: Sequence[Arrival], options: IntakeOptions, actor: str) -> list[FileOutcome]:
    """The files' rows, in one transaction."""
    # In the order of studies and series, so that two groups that share some of them never wait for each other in turn.
    order = sorted(
        range(len(group)),
        key=lambda at: (
            group[at].readied.header.study_instance_uid,
            group[at].readied.header.series_instance_uid,
            at,
        ),
    )
    outcomes: dict[int, FileOutcome] = {}
    with unit_of_work(store.database) as session:
        for _, same_study in groupby(order, key=lambda at: group[at].readied.header.study_instance_uid):
            places = list(same_study)
            written = write_study(store, session, [group[at] for at in places], options, actor)
            outcomes.update(zip(places, written, strict=True))
    return [outcomes[at] for at in range(len(group))]


def _publish(store: Store, group: Sequence[Compared], done: Mapping[str, Published]) -> dict[str, Published]:
    """Make each file durable, and the photograph it was made of, unless its object is there; by their sha256."""
    wanted = [
        (file.path, file.sha256, media_type)
        for one in group
        if one.same is None
        for file, media_type in _files(one.readied)
        if file.sha256 not in done
    ]
    # The same bytes twice in one group are one blob: a file is moved away, its double has nothing to add.
    unique = {sha256: (path, sha256, media_type) for path, sha256, media_type in wanted}
    blobs = store.blobs.publish_many(list(unique.values())) if unique else []
    return {blob.sha256: blob for blob in blobs}


def _files(readied: Readied) -> list[tuple[SpooledFile, str]]:
    return [(readied.file, readied.media_type), *([readied.photograph] if readied.photograph else [])]


def _arrival(one: Compared, published: Mapping[str, Published]) -> Arrival:
    """The file with its blobs; with those of the object that is there already, as if it had come in their bytes."""
    if one.same is None:
        blobs = tuple(published[file.sha256] for file, _ in _files(one.readied))
        return Arrival(one.readied, blobs, one.content_sha256, one.others)
    header = replace(one.readied.header, transfer_syntax=one.same.transfer_syntax)
    blob = one.same.blob or published[one.same.sha256]
    return Arrival(replace(one.readied, header=header), (blob,), one.content_sha256, one.others)
