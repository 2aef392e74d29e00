"""Knows an object again that came by another route: the same content in other bytes under one SOP Instance UID.

Content is digested only where a UID is known under other bytes: what is new pays for one question to the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from pipelines.core.errors import NotFound
from pipelines.imaging.dicom import read_content
from services.store.blobs import Published
from services.store.contents import HeldObject, held_under, note_contents
from services.store.session import unit_of_work
from services.store.stores import Store
from services.work.outcomes import Readied
from services.work.spool import SpooledFile


@dataclass(frozen=True, slots=True)
class Same:
    """The bytes that hold an object already: stored ones, or those of an earlier file of the group (`blob` is None)."""

    sha256: str
    transfer_syntax: str
    blob: Published | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A file beside what is known under its UID.

    `content_sha256` is None where nobody had to know it. `others` are the digests of all bytes that the file was
    compared with, its own among them; None where it was not sent as a DICOM object.
    """

    readied: Readied
    content_sha256: str | None = None
    others: frozenset[str] | None = None
    same: Same | None = None


def compare(store: Store, group: Sequence[Readied]) -> list[Compared]:
    """Say of each file whether its object is known, in the group's order.

    No transaction is open while content is read. Raises DatabaseUnavailable.
    """
    sent: defaultdict[str, dict[str, Readied]] = defaultdict(dict)
    for one in group:
        if one.is_sent_object:
            sent[one.header.sop_instance_uid].setdefault(one.file.sha256, one)
    if not sent:
        return [Compared(one) for one in group]
    held: defaultdict[str, list[HeldObject]] = defaultdict(list)
    with unit_of_work(store.database, writing=False) as session:
        for known in held_under(session, sent):
            held[known.sop_instance_uid].append(known)
    contents = _Contents(store)
    found: dict[str, Compared] = {}
    for uid, files in sent.items():
        found |= _compare(contents, held[uid], files)
    if contents.learnt:
        with unit_of_work(store.database) as session:
            note_contents(session, contents.learnt)
    return [replace(found[one.file.sha256], readied=one) if one.is_sent_object else Compared(one) for one in group]


def _compare(contents: _Contents, held: Sequence[HeldObject], sent: Mapping[str, Readied]) -> dict[str, Compared]:
    """The files of one UID beside each other and what is stored under it, by the sha256 of each."""
    stored = {one.blob.sha256 for one in held}
    others = frozenset(stored | sent.keys())
    if len(others) == 1 or not sent.keys() - stored:
        return {sha256: Compared(one, None, others) for sha256, one in sent.items()}
    known: dict[str, Same] = {}
    for one in held:
        content = contents.of_held(one)
        if content is not None:
            known.setdefault(content, Same(one.blob.sha256, one.transfer_syntax, one.blob))
    compared = {}
    for sha256, file in sent.items():
        if sha256 in stored:
            compared[sha256] = Compared(file, None, others)
            continue
        content = contents.of_file(file.file)
        compared[sha256] = Compared(file, content, others, known.get(content))
        known.setdefault(content, Same(sha256, file.header.transfer_syntax))
    return compared


@dataclass(slots=True)
class _Contents:
    """Digests contents; `learnt` are those of stored bytes that were not known yet. What has none stands for itself."""

    store: Store
    learnt: dict[str, str] = field(default_factory=dict)

    def of_held(self, held: HeldObject) -> str | None:
        """The content of stored bytes; None where they are lost, and nothing can be left out for their sake."""
        sha256 = held.blob.sha256
        if held.content_sha256 is not None:
            return held.content_sha256 if self.store.blobs.exists(sha256) else None
        try:
            with self.store.blobs.local_path(sha256) as path:
                self.learnt[sha256] = read_content(path) or sha256
        except NotFound:
            return None
        return self.learnt[sha256]

    def of_file(self, file: SpooledFile) -> str:
        """The content of a file that was sent, wherever it lies by now."""
        with ExitStack() as opened:
            there = file.path.exists()
            path = file.path if there else opened.enter_context(self.store.blobs.local_path(file.sha256))
            return read_content(path) or file.sha256
