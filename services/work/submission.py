"""One request's files, in the order they come: sorted by what they are, taken in group by group, closed at the end."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from pipelines.core.errors import ArchiveRefused, BadInput, NotAnImage, OverreadError, Unavailable
from pipelines.imaging.sniff import MediaKind, sniff_file
from services.settings import MEBIBYTE, Settings
from services.store import closing
from services.store.session import unit_of_work
from services.store.stores import Store
from services.work.archives import ArchiveLimits, Member, kind_within_gzip, open_tar, open_zip
from services.work.bell import Rings
from services.work.close import StudyAnswer, answers, complete
from services.work.outcomes import FileOutcome, IntakeOptions, Readied, rejected
from services.work.photographs import Photograph, Planned, Visit, WrapsPhotographs, plan, stated_sides, wrap
from services.work.receive import keep, receive_group
from services.work.rejections import Refused, reject
from services.work.spool import Spool, SpooledFile
from services.work.wishes import Completion, Wishes

#: One transaction and one round of syncing the disk for so many small files, or so many bytes of large ones.
GROUP_FILES: Final = 64
GROUP_BYTES: Final = 64 * MEBIBYTE
PHOTOGRAPH_GROUP: Final = 8
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a submission works with."""

    store: Store
    settings: Settings
    bell: Rings
    decoder: WrapsPhotographs
    actor: str
    source: str = "rest"


@dataclass(frozen=True, slots=True)
class Received:
    """The answer: what became of each file, in order, and the studies they belong to."""

    files: tuple[FileOutcome, ...]
    studies: tuple[StudyAnswer, ...]

    @property
    def is_kept(self) -> bool:
        """Whether at least one file was kept."""
        return any(outcome.is_kept for outcome in self.files)


@dataclass(slots=True)
class _Place:
    """A file of the request, or of an archive in it, and what became of it; `number` counts the request's own files."""

    number: int | None
    outcomes: list[FileOutcome] = field(default_factory=list)


class Submission:
    """Takes files one by one: `add` each, then `take_in`, `close`, `received`. One thread at a time."""

    def __init__(self, parts: Parts, spool: Spool, wishes: Wishes) -> None:
        """Nothing was received yet."""
        self._parts = parts
        self._spool = spool
        self.wishes = wishes
        self._places: list[_Place] = []
        self._files = 0
        self._waiting: list[tuple[_Place, SpooledFile]] = []
        self._photographs: list[tuple[_Place, Photograph]] = []
        self._closing: set[str] = set()
        self._first_options = self._options
        self._thread = ThreadPoolExecutor(1, "intake")
        self._group: tuple[list[tuple[_Place, SpooledFile]], Future[list[FileOutcome]]] | None = None
        spool.before_removal(self._thread.shutdown)

    def add(self, file: SpooledFile) -> None:
        """A whole file of the request. Raises Unavailable; bad input is an outcome."""
        place = self._place(number=self._files)
        self._files += 1
        kind = _kind_of(file)
        if isinstance(kind, OverreadError):
            self._refuse(place, file, kind)
        elif kind.is_archive:
            self.flush()
            self._unpack(place, file, kind)
        else:
            self._sort(place, file, kind)

    def refuse(self, name: str, size: int, error: OverreadError) -> None:
        """A file of the request that never became whole."""
        place = self._place(number=self._files)
        self._files += 1
        place.outcomes.append(rejected(name, error))
        self._reject([Refused(error, size)])

    def refuse_request(self, error: OverreadError) -> None:
        """The request as a whole is refused, whatever was kept of it before."""
        self._reject([Refused(error)])

    def flush(self) -> None:
        """Take in the DICOM files that wait for their group, and wait until they are in."""
        self._begin_group()
        self._end_group()

    def _begin_group(self) -> None:
        """Take a group in by a second thread, so that the body is read on while the disk is synced.

        One group at a time: the one before is waited for, which bounds what lies in the spool.
        """
        self._end_group()
        waiting, self._waiting = self._waiting, []
        if waiting:
            files = [file for _, file in waiting]
            parts = self._parts
            taken = self._thread.submit(receive_group, parts.store, parts.settings, files, self._options, parts.actor)
            self._group = (waiting, taken)

    def _end_group(self) -> None:
        if self._group is None:
            return
        (waiting, taken), self._group = self._group, None
        try:
            outcomes = taken.result()
        except Unavailable as error:
            for place, file in waiting:
                place.outcomes.append(rejected(file.name, error))
            raise
        for (place, file), outcome in zip(waiting, outcomes, strict=True):
            place.outcomes.append(outcome)
            file.path.unlink(missing_ok=True)
            if place.number is None:
                self._close_later(outcome)

    def take_in(self) -> None:
        """No more files come: take in what waits. Raises Unavailable."""
        self.flush()
        self._take_photographs()
        if self._options != self._first_options:
            self._ask_again()

    def close(self) -> None:
        """Close the studies that the sender's wishes close with the request."""
        closing_now = {
            Completion.AUTO: self._closing,
            Completion.YES: set(self._study_ids()),
            Completion.NO: set[str](),
        }
        for study_id in sorted(closing_now[self.wishes.completion]):
            complete(self._parts.store, self._parts.bell, study_id, self._parts.actor)

    def received(self) -> Received:
        """The answer as far as things have come; what still waits is not in it. Raises DatabaseUnavailable."""
        return Received(self.files(), tuple(answers(self._parts.store, self._study_ids())))

    def files(self) -> tuple[FileOutcome, ...]:
        """What became of each file so far, which no database is asked for."""
        return tuple(outcome for place in self._places for outcome in place.outcomes)

    def _study_ids(self) -> list[str]:
        """The studies that files were kept in so far, in the order they came."""
        outcomes = (outcome for place in self._places for outcome in place.outcomes)
        return list(dict.fromkeys(outcome.study_id for outcome in outcomes if outcome.study_id is not None))

    def _ask_again(self) -> None:
        """Form fields may come after files that are in already."""
        options = self._options
        with unit_of_work(self._parts.store.database) as session:
            for study_id in sorted(self._study_ids()):
                closing.ask(session, study_id, options.priority, options.pipeline, options.hold)

    @property
    def _options(self) -> IntakeOptions:
        hold = self.wishes.completion is Completion.NO
        return IntakeOptions(self._parts.source, self.wishes.priority, self.wishes.pipeline, hold)

    def _place(self, number: int | None) -> _Place:
        place = _Place(number)
        self._places.append(place)
        return place

    def _sort(self, place: _Place, file: SpooledFile, kind: MediaKind) -> None:
        """A file that is no archive: DICOM waits for its group, photographs for the end, where the whole is known."""
        if kind.is_photograph:
            self._photographs.append((place, Photograph(file, kind)))
        elif kind in {MediaKind.NIFTI, MediaKind.HDF5}:
            error = BadInput("no pipeline of this system reads NIfTI or HDF5 files yet", code="unsupported_kind")
            self._refuse(place, file, error)
        else:
            self._waiting.append((place, file))
            if len(self._waiting) >= GROUP_FILES or sum(one.bytes for _, one in self._waiting) >= GROUP_BYTES:
                self._begin_group()

    def _unpack(self, place: _Place, file: SpooledFile, kind: MediaKind) -> None:
        limits = ArchiveLimits.of(self._parts.settings)
        try:
            members = open_zip(file.path, limits) if kind is MediaKind.ZIP else open_tar(file.path, limits)
            for member in members:
                self._add_member(file.name, member)
            if self._places[-1] is place:
                raise ArchiveRefused("the archive is empty", code="archive_empty")
        except ArchiveRefused as error:
            self._refuse(place, file, error)
        finally:
            file.path.unlink(missing_ok=True)
        self.flush()

    def _add_member(self, archive: str, member: Member) -> None:
        place = self._place(number=None)
        writer = self._spool.begin(f"{archive}/{member.name}")
        try:
            for chunk in member.chunks:
                writer.write(chunk)
        except ArchiveRefused as error:
            writer.discard()
            place.outcomes.append(rejected(f"{archive}/{member.name}", error))
            self._reject([Refused(error, writer.bytes)])
            return
        file = writer.finish()
        kind = sniff_file(file.path)
        if kind.is_archive:
            self._refuse(place, file, ArchiveRefused("an archive within the archive", code="archive_nested"))
        elif kind is MediaKind.EMPTY:
            self._refuse(place, file, NotAnImage("the file is empty", code="empty_file"))
        else:
            self._sort(place, file, kind)

    def _take_photographs(self) -> None:
        known: list[tuple[_Place, Photograph]] = []
        numbers = [place.number for place, _ in self._photographs]
        sides = stated_sides(self.wishes.lateralities, numbers, self._files)
        for (place, file), side in zip(self._photographs, sides, strict=True):
            photograph = replace(file, stated=side)
            try:
                _ = photograph.laterality
            except BadInput as error:
                self._refuse(place, photograph.file, error)
            else:
                known.append((place, photograph))
        self._photographs = []
        if not known:
            return
        visit = Visit(self.wishes.patient_id, self.wishes.study_uid)
        planned = plan(self._parts.store, [photograph for _, photograph in known], visit)
        pairs = [(place, one) for (place, _), one in zip(known, planned, strict=True)]
        for group in _batched(pairs, PHOTOGRAPH_GROUP):
            self._take_planned(group)

    def _take_planned(self, group: Sequence[tuple[_Place, Planned]]) -> None:
        fresh: list[tuple[_Place, Readied]] = []
        new = [(place, one) for place, one in group if one.outcome is None]
        for (place, one), made in zip(new, wrap(self._parts.decoder, [one for _, one in new]), strict=True):
            if isinstance(made, Readied):
                fresh.append((place, made))
            else:
                self._refuse(place, one.photograph.file, made)
        try:
            outcomes = keep(self._parts.store, [made for _, made in fresh], self._options, self._parts.actor)
        except Unavailable as error:
            for place, made in fresh:
                place.outcomes.append(rejected(made.name, error))
            raise
        for (place, _), outcome in zip(fresh, outcomes, strict=True):
            place.outcomes.append(outcome)
        for place, one in group:
            if one.outcome is not None:
                place.outcomes.append(one.outcome)
            one.photograph.file.path.unlink(missing_ok=True)
            for outcome in place.outcomes:
                self._close_later(outcome)

    def _close_later(self, outcome: FileOutcome) -> None:
        if outcome.study_id is not None:
            self._closing.add(outcome.study_id)

    def _refuse(self, place: _Place, file: SpooledFile, error: OverreadError) -> None:
        place.outcomes.append(rejected(file.name, error))
        self._reject([Refused(error, file.bytes, file.path)])

    def _reject(self, refused: Sequence[Refused]) -> None:
        reject(self._parts.store, self._parts.settings, refused, self._parts.actor, self._parts.source)


def _kind_of(file: SpooledFile) -> MediaKind | OverreadError:
    """What a file is by its bytes; an archive in gzip is told from other gzip by what is inside."""
    kind = sniff_file(file.path)
    if kind is MediaKind.EMPTY:
        return NotAnImage("the file is empty", code="empty_file")
    if kind is not MediaKind.GZIP:
        return kind
    try:
        inner = kind_within_gzip(file.path)
    except ArchiveRefused as error:
        return error
    if inner is MediaKind.TAR:
        return MediaKind.TAR
    if inner is MediaKind.NIFTI:
        return MediaKind.NIFTI
    return ArchiveRefused("the gzip file holds no tar archive", code="archive_unsupported")


def _batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
