"""A study's report as one page to print or to file."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable, Image, KeepInFrame, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from pipelines.core.report import Line, Picture, Report, Section

MARGIN: Final = 14 * mm
PADDING: Final = 6  # points: what reportlab leaves free within a frame
WIDTH: Final = A4[0] - 2 * (MARGIN + PADDING)
NAMES: Final = 40 * mm
PICTURE_HEIGHT: Final = 42 * mm
INK, FAINT, RULE, ACCENT = HexColor("#1b2430"), HexColor("#5c6773"), HexColor("#d5dbe1"), HexColor("#0b5c8a")
WARNING, GOOD = HexColor("#a8201a"), HexColor("#1f6b45")
BODY: Final = ParagraphStyle("body", fontName="Helvetica", fontSize=8.5, leading=11, textColor=INK)
CHIEF: Final = ParagraphStyle("chief", BODY, fontName="Helvetica-Bold")
NAME: Final = ParagraphStyle("name", BODY, textColor=FAINT)
SMALL: Final = ParagraphStyle("small", BODY, fontSize=7, leading=9, textColor=FAINT)
TITLE: Final = ParagraphStyle("title", BODY, fontName="Helvetica-Bold", fontSize=15, leading=18)
HEAD: Final = ParagraphStyle("head", BODY, fontName="Helvetica-Bold", fontSize=9.5, leading=12, textColor=ACCENT)
#: The page's fonts are the reader's own Helvetica; what those cannot write loses its accent or becomes a question mark.
ENCODING: Final = "cp1252"

#: The bytes of a key picture as JPEG, which the page takes in as they are; None where there are none any more.
Fetch = Callable[[Picture], bytes | None]


def as_pdf(report: Report, fetch: Fetch) -> bytes:
    """One A4 page; equal reports and pictures give equal bytes."""
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=f"Overread: {report.title.lower()} ({report.mark})",
        author="Overread",
        lang="en",
        invariant=1,
    )
    page.build([KeepInFrame(page.width, page.height - 1 * mm, _parts(report, fetch), mode="shrink")])
    return out.getvalue()


def _parts(report: Report, fetch: Fetch) -> list[Flowable]:
    mark = ParagraphStyle("mark", TITLE, textColor=GOOD if report.signatures else WARNING)
    parts: list[Flowable] = [Paragraph(_text(report.title), TITLE), Paragraph(_text(report.mark), mark)]
    for section in report.sections:
        parts += [Spacer(0, 3 * mm), Paragraph(_text(section.heading), HEAD), _lines(section.lines)]
        parts += _pictures(section, fetch)
    return parts


def _lines(lines: Sequence[Line]) -> Table:
    rows = [
        [Paragraph(_text(line.name), NAME), Paragraph(_text(line.text), CHIEF if line.chief else BODY)]
        for line in lines
    ]
    return Table(rows, colWidths=[NAMES, WIDTH - NAMES], style=_RULED)


def _pictures(section: Section, fetch: Fetch) -> list[Flowable]:
    if not section.pictures:
        return []
    wide = WIDTH / len(section.pictures)
    cells = [
        [*_picture(fetch(picture), wide - 4 * mm), Paragraph(_text(picture.caption), SMALL)]
        for picture in section.pictures
    ]
    return [Table([cells], colWidths=[wide] * len(cells), style=_BESIDE)]


def _picture(content: bytes | None, wide: float) -> list[Flowable]:
    if content is None:
        return []
    columns, rows = ImageReader(io.BytesIO(content)).getSize()
    scale = min(wide / columns, PICTURE_HEIGHT / rows)
    return [Image(io.BytesIO(content), columns * scale, rows * scale, hAlign="LEFT")]


_RULED: Final = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
    ]
)
_BESIDE: Final = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])


def _text(words: str) -> str:
    """What the page's fonts can write, for a paragraph, which reads markup."""
    return escape("".join(_letter(letter) for letter in unicodedata.normalize("NFC", words)))


def _letter(letter: str) -> str:
    try:
        letter.encode(ENCODING)
    except UnicodeEncodeError:
        plain = unicodedata.normalize("NFKD", letter).encode(ENCODING, "ignore").decode(ENCODING)
        return plain or "?"
    return letter
