"""The report of a study: one page for the patient's file, as a value that screen, PDF and SR are all made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pipelines.core.types import Code, Finding, Laterality

#: What stands over a page that no reader answers for.
DRAFT: Final = "DRAFT - not signed"
SIGNED: Final = "Signed"
#: What stands over it where readers have signed, and not all who are to. A series' description has 64 characters (LO).
SECOND_AWAITED: Final = "NOT FINAL: a second reader has yet to sign"
THIRD_AWAITED: Final = "NOT FINAL: two readers disagree"
PARTLY_SIGNED: Final = "NOT FINAL: not every reading is signed"


class Part(StrEnum):
    """What a section of a report is about."""

    ANSWER = "answer"  #: what counts, in a line for each question
    STUDY = "study"  #: who was imaged, when and with what
    READING = "reading"  #: one question: the machine's answer, the readers' words, how it was made
    FOOT = "foot"  #: what the page is


@dataclass(frozen=True, slots=True)
class Caution:
    """Why a machine's answer needs more care, as a code; `laterality` where it is of one side."""

    code: Code
    laterality: Laterality | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One statement; `name` says of what. `chief` ones are what counts; `cautions` say the same in codes."""

    name: str
    text: str
    chief: bool = False
    cautions: tuple[Caution, ...] = ()

    @property
    def caution(self) -> bool:
        """Whether it says that a machine's answer needs more care."""
        return bool(self.cautions)


@dataclass(frozen=True, slots=True)
class Picture:
    """A key picture; `address` is its path in the API, `sha256` the blob that holds it."""

    caption: str
    address: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its lines and pictures; `findings` are the answer that counts, with its codes."""

    part: Part
    heading: str
    lines: tuple[Line, ...]
    pictures: tuple[Picture, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """Whose word counts and when it was given, UTC."""

    reader: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The whole page; `as_of` is when the newest of what it tells was said, UTC.

    `identity` is whose page it is, in one line for the foot of each sheet of paper. `signatures` are of the words that
    count, and empty unless every question of the study is decided; until then `undecided` stands over the page.
    """

    study_id: str
    title: str
    identity: str
    as_of: datetime
    sections: tuple[Section, ...]
    signatures: tuple[Signature, ...]
    undecided: str = DRAFT

    @property
    def mark(self) -> str:
        """Whether readers answer for the page, in the words that stand over it."""
        return SIGNED if self.signatures else self.undecided

    def words(self) -> Iterator[str]:
        """Every word of the page, in its order: title, mark, and each section's heading, lines and captions.

        Not the identity, which the sections tell as well.
        """
        yield self.title
        yield self.mark
        for section in self.sections:
            yield section.heading
            for line in section.lines:
                yield line.name
                yield line.text
            for picture in section.pictures:
                yield picture.caption
