"""One request's files, in the order they come: sorted by what they are, taken in group by group, closed at the end."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from pipelines.core.errors import ArchiveRefused, BadInput, OverreadError, Unavailable
from pipelines.imaging.foreign import FOREIGN_CLASSES
from pipelines.imaging.sniff import MediaKind
from services.settings import MEBIBYTE
from services.store import closing
from services.store.session import unit_of_work
from services.work.archives import ArchiveLimits, Member, open_tar, open_zip
from services.work.close import answers, complete
from services.work.foreign import ForeignFile
from services.work.kinds import kind_of, kind_of_member
from services.work.outcomes import FileOutcome, IntakeOptions, rejected
from services.work.photographs import Photograph
from services.work.places import Parts, Place, Received
from services.work.receive import receive_group
from services.work.rejections import Refused
from services.work.spool import Spool, SpooledFile
from services.work.whole import take_foreign, take_photographs
from services.work.wishes import Completion, Wishes

#: One transaction and one round of syncing the disk for so many small files, or so many bytes of large ones.
GROUP_FILES: Final = 64
GROUP_BYTES: Final = 64 * MEBIBYTE


class Submission:
    """Takes files one by one: `add` each, then `take_in`, `close`, `received`. One thread at a time."""

    def __init__(self, parts: Parts, spool: Spool, wishes: Wishes) -> None:
        """Nothing was received yet."""
        self._parts = parts
        self._spool = spool
        self.wishes = wishes
        self._places: list[Place] = []
        self._files = 0
        self._waiting: list[tuple[Place, SpooledFile]] = []
        self._refused: list[Refused] = []
        self._photographs: list[tuple[Place, Photograph]] = []
        self._foreign: list[tuple[Place, ForeignFile]] = []
        self._closing: set[str] = set()
        self._first_options = self._options
        self._thread = ThreadPoolExecutor(1, "intake")
        self._group: tuple[list[tuple[Place, SpooledFile]], Future[list[FileOutcome]]] | None = None
        spool.before_removal(self._thread.shutdown)

    def add(self, file: SpooledFile) -> None:
        """A whole file of the request. Raises Unavailable; bad input is an outcome."""
        place = self._place(number=self._files)
        self._files += 1
        try:
            kind = kind_of(file)
        except BadInput as error:
            self._refuse(place, file.name, Refused(error, file.bytes, file.path))
            return
        if kind.is_archive:
            self.flush()
            self._unpack(place, file, kind)
        else:
            self._sort(place, file, kind)

    def refuse(self, name: str, size: int, error: OverreadError) -> None:
        """A file of the request that never became whole."""
        place = self._place(number=self._files)
        self._files += 1
        self._refuse(place, name, Refused(error, size))

    def refuse_request(self, error: OverreadError) -> None:
        """The request as a whole is refused, whatever was kept of it before."""
        self._parts.reject([Refused(error)])

    def flush(self) -> None:
        """Take in the DICOM files that wait for their group, wait until they are in, and note what was refused."""
        self._note_refused()
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
        self._take_whole()
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
                closing.ask(session, study_id, options.priority, options.pipeline, options.hold, options.expected)

    @property
    def _options(self) -> IntakeOptions:
        hold = self.wishes.completion is Completion.NO
        return IntakeOptions(self._parts.source, self.wishes.priority, self.wishes.pipeline, hold, self.wishes.expected)

    def _place(self, number: int | None) -> Place:
        place = Place(number)
        self._places.append(place)
        return place

    def _sort(self, place: Place, file: SpooledFile, kind: MediaKind) -> None:
        """A file that is no archive: DICOM waits for its group, all else for the end, where the whole is known."""
        if kind.is_photograph:
            self._photographs.append((place, Photograph(file, kind)))
        elif kind in FOREIGN_CLASSES:
            self._foreign.append((place, ForeignFile(file, kind)))
        else:
            self._waiting.append((place, file))
            if len(self._waiting) >= GROUP_FILES or sum(one.bytes for _, one in self._waiting) >= GROUP_BYTES:
                self._begin_group()

    def _unpack(self, place: Place, file: SpooledFile, kind: MediaKind) -> None:
        limits = ArchiveLimits.of(self._parts.settings)
        try:
            members = open_zip(file.path, limits) if kind is MediaKind.ZIP else open_tar(file.path, limits)
            for member in members:
                self._add_member(file.name, member)
            if self._places[-1] is place:
                raise ArchiveRefused("the archive is empty", code="archive_empty")
        except ArchiveRefused as error:
            place.refuse(self._parts, file, error)
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
            self._refuse(place, f"{archive}/{member.name}", Refused(error, writer.bytes))
            return
        file = writer.finish()
        try:
            self._sort(place, file, kind_of_member(file))
        except BadInput as error:
            self._refuse(place, file.name, Refused(error, file.bytes, file.path))

    def _refuse(self, place: Place, name: str, refused: Refused) -> None:
        """One file is not kept; rows are written by the group, since an archive may hold a scrap beside each image."""
        place.outcomes.append(rejected(name, refused.error))
        self._refused.append(refused)
        if len(self._refused) >= GROUP_FILES or sum(one.bytes for one in self._refused) >= GROUP_BYTES:
            self._note_refused()

    def _note_refused(self) -> None:
        refused, self._refused = self._refused, []
        self._parts.reject(refused)

    def _take_whole(self) -> None:
        """What waited for the whole request; each study that any of it came into closes with the request."""
        photographs, self._photographs = self._photographs, []
        foreign, self._foreign = self._foreign, []
        places = [place for place, _ in (*photographs, *foreign)]
        try:
            take_photographs(self._parts, self._options, self.wishes, photographs, self._files)
            take_foreign(self._parts, self._options, self.wishes, foreign)
        finally:
            for outcome in (outcome for place in places for outcome in place.outcomes):
                self._close_later(outcome)

    def _close_later(self, outcome: FileOutcome) -> None:
        if outcome.study_id is not None:
            self._closing.add(outcome.study_id)
