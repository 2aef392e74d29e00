"""How readers who read blind agree with the machine, before it is shown and after, and how often it changes their mind.

docs/data.md defines the figures; decision 0118 says who may see them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.core.agreement import Share
from pipelines.core.change import Document, agrees
from services.store.blind import withheld_slots
from services.store.session import unit_of_work
from services.store.shown import shown_before
from services.store.signatures import answer_of, signatures
from services.store.states import ReviewAction
from services.store.stores import Store
from services.store.tables import BlindRead, Result, Review

PAGE: Final = 200
#: The newest blind reads that are looked at: how people read now, at a cost with an end.
MOST_READ: Final = 20_000
#: Of fewer readers together, each could take their own figures away and see somebody else's.
LEAST_READERS: Final = 3


@dataclass(slots=True)
class Bias:
    """Counts of one pipeline's blind reads; grows by reads, not with them."""

    reads: int = 0
    seen_before: int = 0  # the machine's answer had been shown to the reader: counted in nothing below
    compared: int = 0  # of these: the machine gave an answer, and the reader something to hold beside it
    agreed: int = 0
    signed: int = 0  # of the compared ones: the reader has signed since
    finally_agreed: int = 0
    disagreed_and_signed: int = 0
    went_over: int = 0
    agreed_and_signed: int = 0
    went_away: int = 0
    went_over_and_decided: int = 0
    rightly: int = 0
    readers: set[str] = field(default_factory=set)  # with a read that counts

    def add(self, one: Story) -> None:
        """One more blind read and what became of it."""
        self.reads += 1
        if one.seen_before:
            self.seen_before += 1
            return
        self.readers.add(one.reader)
        if one.before is None:
            return
        self.compared += 1
        self.agreed += one.before
        if one.after is None:
            return
        self.signed += 1
        self.finally_agreed += one.after
        if one.before:
            self.agreed_and_signed += 1
            self.went_away += not one.after
            return
        self.disagreed_and_signed += 1
        self.went_over += one.after
        if one.after and one.decided is not None:
            self.went_over_and_decided += 1
            self.rightly += one.decided

    def shares(self) -> Mapping[str, Share]:
        """The figures by name, each with its own n."""
        return {
            "agreed_before": Share(self.agreed, self.compared),
            "agreed_after": Share(self.finally_agreed, self.signed),
            "changed_to_machine": Share(self.went_over, self.disagreed_and_signed),
            "changed_from_machine": Share(self.went_away, self.agreed_and_signed),
            "change_was_right": Share(self.rightly, self.went_over_and_decided),
        }


@dataclass(frozen=True, slots=True)
class Story:
    """A blind read held beside the machine's answer of that time.

    `before`: the blind word says what the machine said; `after`: so does the reader's newest signature; `decided`: so
    does another reader's adjudication. None where there is nothing to compare, or nobody has signed or decided.
    """

    pipeline: str
    reader: str
    before: bool | None
    after: bool | None
    decided: bool | None
    seen_before: bool = False  # the reader had been shown the answer, and was no blind reader of it


def agreement_of(store: Store, user_id: str) -> Mapping[str, Bias]:
    """One person's own figures, by pipeline."""
    return _told(store, user_id, None)


def agreement_of_all(store: Store, asker: str | None) -> Mapping[str, Bias]:
    """Those of all readers together, by pipeline, without the slots that `asker` reads blind still.

    Where fewer than LEAST_READERS have read, the figures are not to be shown: `readers` says how many they are.
    """
    return _told(store, None, asker)


def _told(store: Store, user_id: str | None, asker: str | None) -> Mapping[str, Bias]:
    found: dict[str, Bias] = defaultdict(Bias)
    before = None
    for _ in range(0, MOST_READ, PAGE):
        with unit_of_work(store.database, writing=False) as session:
            reads = _newest(session, user_id, before)
            withheld = withheld_slots(session, asker, {read.slot_id for read in reads})
            for story in _stories(session, [read for read in reads if read.slot_id not in withheld]):
                found[story.pipeline].add(story)
        if len(reads) < PAGE:
            break
        before = reads[-1].id
    return dict(sorted(found.items()))


def _newest(session: Session, user_id: str | None, before: str | None) -> Sequence[BlindRead]:
    query = select(BlindRead).order_by(BlindRead.id.desc()).limit(PAGE)
    if user_id is not None:
        query = query.where(BlindRead.user_id == user_id)
    return session.scalars(query if before is None else query.where(BlindRead.id < before)).all()


def _stories(session: Session, reads: Sequence[BlindRead]) -> Iterator[Story]:
    wanted = sorted({read.result_id for read in reads})
    machine = {row.id: row for row in session.scalars(select(Result).where(Result.id.in_(wanted)))}
    slots = sorted({read.slot_id for read in reads})
    written = select(Review).where(Review.slot_id.in_(slots)).order_by(Review.slot_id, Review.number)
    shown = shown_before(session, slots)
    words = {slot: signatures(rows) for slot, rows in groupby(session.scalars(written), key=lambda one: one.slot_id)}
    for read in reads:
        said = machine[read.result_id]
        stack = words.get(read.slot_id, ())
        own = [word for word in stack if word.user_id == read.user_id]
        others = [word for word in stack if word.user_id != read.user_id and word.action == ReviewAction.ADJUDICATE]
        yield Story(
            said.pipeline,
            read.user_id,
            before=_says(read, said.document),
            after=_signs(session, own[-1], said.document) if own else None,
            decided=_signs(session, others[-1], said.document) if others else None,
            seen_before=(read.user_id, read.slot_id) in shown,
        )


def _says(read: BlindRead, machine: Document) -> bool | None:
    """Whether the blind word is the machine's: to both nothing can be said of the images, or both say the same."""
    if read.ungradable:
        return bool(machine["abstained"])
    answered = {(one["label"], one.get("laterality")) for one in machine["findings"] if one["value"] is not None}
    shared = [one for one in read.findings if (one["label"], one["laterality"]) in answered]
    return agrees({**machine, "findings": shared}, machine) if shared else None


def _signs(session: Session, word: Review, machine: Document) -> bool | None:
    """Whether a signature says what the machine said; a rejection does not."""
    answer = answer_of(session, word)
    return agrees(answer, machine) if answer is not None else False
