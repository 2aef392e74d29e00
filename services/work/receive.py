"""Takes whole files in: header check, durable blobs, then one short transaction for a bounded group of instances."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from pipelines.core.errors import BadInput, OverreadError
from pipelines.imaging.dicom import read_header
from services.settings import Settings
from services.store.blobs import Published
from services.store.session import unit_of_work
from services.store.stores import Store
from services.work.arrivals import Arrival, write_study
from services.work.outcomes import FileOutcome, IntakeOptions, Readied, rejected
from services.work.rejections import Refused, reject
from services.work.spool import SpooledFile


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
    StorageFull, DatabaseUnavailable, BytesGone: then none of the group is kept.
    """
    if not group:
        return []
    arrivals = _published(store, group)
    # In the order of studies and series, so that two groups that share some of them never wait for each other in turn.
    order = sorted(
        range(len(group)),
        key=lambda at: (group[at].header.study_instance_uid, group[at].header.series_instance_uid, at),
    )
    outcomes: dict[int, FileOutcome] = {}
    with unit_of_work(store.database) as session:
        for _, same_study in groupby(order, key=lambda at: group[at].header.study_instance_uid):
            places = list(same_study)
            written = write_study(store, session, [arrivals[at] for at in places], options, actor)
            outcomes.update(zip(places, written, strict=True))
    return [outcomes[at] for at in range(len(group))]


def _published(store: Store, group: Sequence[Readied]) -> list[Arrival]:
    """Each file with its durable blobs: itself, and the photograph it was made of."""
    wanted = [
        [(one.file.path, one.file.sha256, one.media_type)]
        + ([(one.photograph[0].path, one.photograph[0].sha256, one.photograph[1])] if one.photograph else [])
        for one in group
    ]
    # The same bytes twice in one group are one blob: a file is moved away, its double has nothing to add.
    unique = {sha256: (path, sha256, media_type) for files in wanted for path, sha256, media_type in files}
    published: dict[str, Published] = {blob.sha256: blob for blob in store.blobs.publish_many(list(unique.values()))}
    return [
        Arrival(one, tuple(published[sha256] for _, sha256, _ in files))
        for one, files in zip(group, wanted, strict=True)
    ]
