"""A study's report as A4 pages to print or to file; one, as long as the words fit."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, KeepTogether, SimpleDocTemplate, Spacer, Table, TableStyle
from reportlab.platypus.doctemplate import BaseDocTemplate

from pipelines.core.report import Line, Part, Picture, Report, Section
from services.work.letters import BOX, lacking
from services.work.typesetting import INSET, Row, Type, Words, broken, draw_line, marked, width_of

MARGIN: Final = 15 * mm
PADDING: Final = 6  # points: what reportlab leaves free within a frame
WIDTH: Final = A4[0] - 2 * MARGIN
NAMES: Final = 40 * mm
SHORT_NAMES: Final = 31 * mm  # where two statements stand beside each other
PICTURE_HEIGHT: Final = 56 * mm
LONE_PICTURE_HEIGHT: Final = 76 * mm
INK, FAINT, RULE, ACCENT = HexColor("#1b2430"), HexColor("#4d5864"), HexColor("#cbd2d9"), HexColor("#0b5c8a")
WARNING, GOOD, GROUND = HexColor("#a8201a"), HexColor("#1f6b45"), HexColor("#eef3f6")
BODY: Final = Type(8, 10.8, INK)
STRONG: Final = Type(8, 10.8, INK, bold=True)
CHIEF: Final = Type(9.5, 13, INK, bold=True)
CHIEF_NAME: Final = Type(9.5, 13, INK)
NAME: Final = Type(8, 10.8, FAINT)
SMALL: Final = Type(7, 9, FAINT)
SMALL_STRONG: Final = Type(7, 9, INK, bold=True)
TITLE: Final = Type(15, 19, INK, bold=True)
HEAD: Final = Type(9.5, 13, ACCENT, bold=True)

#: The bytes of a key picture as JPEG, which the page takes in as they are; None where there are none any more.
Fetch = Callable[[Picture], bytes | None]


def as_pdf(report: Report, fetch: Fetch) -> bytes:
    """A4 pages; equal reports and pictures give equal bytes.

    Each page names the patient and says which of how many it is. Letters that no font holds are told at its foot.
    """
    found = {picture: fetch(picture) for section in report.sections for picture in section.pictures}
    pages = _build(report, found.__getitem__, io.BytesIO(), pages=1)  # how many there are is known afterwards
    out = io.BytesIO()
    _build(report, found.__getitem__, out, pages)
    return out.getvalue()


def _build(report: Report, fetch: Fetch, out: io.BytesIO, pages: int) -> int:
    foot = _foot(report)
    page = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN - PADDING,
        rightMargin=MARGIN - PADDING,
        topMargin=MARGIN - PADDING,
        bottomMargin=MARGIN + sum(words.height for words in foot),
        title=f"Overread: {report.title.lower()} ({report.mark})",
        author="Overread",
        lang="en",
        invariant=1,
    )

    def furnish(canvas: Canvas, document: BaseDocTemplate) -> None:
        with marked(canvas, "/Artifact <</Type /Pagination>>"):
            _draw_foot(canvas, foot, f"Page {document.page} of {pages}")

    page.build(_parts(report, fetch), onFirstPage=furnish, onLaterPages=furnish)
    return int(page.page)


def _foot(report: Report) -> list[Words]:
    """What stands at the foot of each page: whose page it is, what it is, and the letters that it cannot draw."""
    foot = [Words(report.identity, SMALL_STRONG), Words(f"{report.title}: {report.mark}", SMALL)]
    missing = lacking(" ".join([report.identity, *report.words()]))
    if missing:
        foot.append(Words(_missing(missing), SMALL_STRONG))
    for words in foot:
        words.wrap(WIDTH - _PAGE_NUMBER, A4[1])
    return foot


def _draw_foot(canvas: Canvas, foot: Sequence[Words], number: str) -> None:
    top = MARGIN + sum(words.height for words in foot) - 3 * mm
    canvas.setStrokeColor(INK)
    canvas.setLineWidth(0.6)
    canvas.line(MARGIN, top + 1 * mm, MARGIN + WIDTH, top + 1 * mm)
    draw_line(canvas, number, MARGIN + WIDTH - width_of(number, SMALL_STRONG), top - 6, SMALL_STRONG)
    for words in foot:
        top -= words.height
        words.drawOn(canvas, MARGIN, top)


def _missing(letters: Sequence[str]) -> str:
    scripts = ", ".join(dict.fromkeys(_script(letter) for letter in letters))
    return f"{BOX} stands for letters that this page's fonts do not hold ({scripts}). The screen and the SR have them."


def _script(letter: str) -> str:
    """The writing a letter belongs to, as its Unicode name begins."""
    if not letter.isalpha() and not unicodedata.category(letter).startswith("M"):
        return "signs"
    return unicodedata.name(letter, "unknown").split()[0].capitalize()


def _parts(report: Report, fetch: Fetch) -> list[Flowable]:
    parts: list[Flowable] = [_title(report)]
    for section in report.sections:
        lines = _lines(section)
        head = Row([(Words(section.heading, HEAD), WIDTH)])
        parts += [Spacer(0, 2.5 * mm), KeepTogether([head, *lines[:1]]), *lines[1:], *_pictures(section, fetch)]
    return parts


def _title(report: Report) -> Flowable:
    """What the page is, and whether readers answer for it: in words, in a frame."""
    colour = GOOD if report.signatures else WARNING
    mark = Type(11, 14, colour, bold=True)
    wide = width_of(report.mark, mark) + 2 * PADDING
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("LEFTPADDING", (0, 0), (0, 0), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
            ("BOX", (1, 0), (1, 0), 1, colour),
        ]
    )
    return Table([[Words(report.title, TITLE), Words(report.mark, mark)]], colWidths=[WIDTH - wide, wide], style=style)


def _lines(section: Section) -> list[Flowable]:
    if section.part is not Part.STUDY:
        return [_row(line) for line in section.lines]
    rows: list[list[Line]] = []
    for line in section.lines:
        if rows and len(rows[-1]) == 1 and _is_short(line) and _is_short(rows[-1][0]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_pair(row) for row in rows]


def _row(line: Line) -> Row:
    if line.chief:
        chief, beside = NAMES - INSET, WIDTH - NAMES - INSET  # the answers begin where all others do
        return Row([(Words(line.name, CHIEF_NAME), chief), (Words(line.text, CHIEF), beside)], RULE, GROUND)
    name = STRONG if line.caution else NAME
    return Row([(Words(line.name, name), NAMES), (Words(line.text, BODY), WIDTH - NAMES)], RULE)


def _pair(lines: Sequence[Line]) -> Row:
    """One statement, or two that are short beside each other."""
    wide = WIDTH / len(lines) - SHORT_NAMES
    return Row(
        [cell for line in lines for cell in ((Words(line.name, NAME), SHORT_NAMES), (Words(line.text, BODY), wide))],
        RULE,
    )


def _is_short(line: Line) -> bool:
    return len(broken(line.text, WIDTH / 2 - SHORT_NAMES - PADDING, BODY)) == 1


def _pictures(section: Section, fetch: Fetch) -> list[Flowable]:
    if not section.pictures:
        return []
    wide = WIDTH / len(section.pictures)
    high = PICTURE_HEIGHT if len(section.pictures) > 1 else LONE_PICTURE_HEIGHT
    cells = [
        [*_picture(fetch(picture), wide - 4 * mm, high), Words(picture.caption, SMALL)] for picture in section.pictures
    ]
    return [Table([cells], colWidths=[wide] * len(cells), style=_BESIDE)]


def _picture(content: bytes | None, wide: float, high: float) -> list[Flowable]:
    if content is None:
        return []
    columns, rows = ImageReader(io.BytesIO(content)).getSize()
    scale = min(wide / columns, high / rows)
    return [Image(io.BytesIO(content), columns * scale, rows * scale, hAlign="LEFT"), Spacer(0, 1 * mm)]


_PAGE_NUMBER: Final = 24 * mm
_BESIDE: Final = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
