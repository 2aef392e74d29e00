"""A batch's summary as one page to print: what a reader looks at in the morning, ids only."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepInFrame, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

if TYPE_CHECKING:  # the module asks the database, which the process that writes the page does not know
    from services.work.summary import Summary

MARGIN: Final = 14 * mm
WIDTH: Final = A4[0] - 2 * MARGIN
HALF: Final = WIDTH / 2 - 4 * mm
INK, FAINT, LINE, ACCENT = HexColor("#1b2430"), HexColor("#5c6773"), HexColor("#d5dbe1"), HexColor("#0b5c8a")
BODY: Final = ParagraphStyle("body", fontName="Helvetica", fontSize=8.5, leading=11, textColor=INK)
SMALL: Final = ParagraphStyle("small", BODY, fontSize=7, leading=9, textColor=FAINT)
TITLE: Final = ParagraphStyle("title", BODY, fontName="Helvetica-Bold", fontSize=15, leading=18)
HEAD: Final = ParagraphStyle("head", BODY, fontName="Helvetica-Bold", fontSize=9.5, leading=12, textColor=ACCENT)
#: How each kind of change is called on the page.
KINDS: Final = {
    "crossed": "crossed a line",
    "unanswered": "no answer any more",
    "answered": "answered now",
    "changed": "changed on the same side",
    "new": "first reading",
    "none": "no change",
}
MOST_REASONS: Final = 5
MOST_LISTED: Final = 12
LONGEST_NAME: Final = 90
THOUSAND: Final = 1000  # from here on, figures are written without decimals
#: The page's fonts are the reader's own Helvetica; what those cannot write becomes a question mark.
ENCODING: Final = "cp1252"
MEASURE_WIDTHS: Final = (60 * mm, 25 * mm, 35 * mm, WIDTH - 120 * mm)


def as_pdf(summary: Summary) -> bytes:
    """One A4 page; equal summaries give equal bytes."""
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title="Overread: summary of a batch",
        author="Overread",
        invariant=1,
    )
    whole = KeepInFrame(page.width, page.height - 1 * mm, _parts(summary), mode="shrink")
    page.build([whole])
    return out.getvalue()


def _parts(summary: Summary) -> list[Flowable]:
    parts: list[Flowable] = [
        Paragraph(_text(str(summary["name"])[:LONGEST_NAME]), TITLE),
        Paragraph(_text(_subtitle(summary)), BODY),
        Spacer(0, 3 * mm),
        _beside(_counts(summary), _readers(summary)),
        Spacer(0, 4 * mm),
    ]
    for label, grades in summary["grades"].items():
        parts += [_confusion(label, grades), Spacer(0, 4 * mm)]
    if summary["measures"]:
        parts += [_measures(summary), Spacer(0, 4 * mm)]
    parts += [_largest(summary), Spacer(0, 3 * mm), Paragraph(_text(_foot(summary)), SMALL)]
    return parts


def _subtitle(summary: Summary) -> str:
    model, window = summary["model"], summary["window"]
    hours = f", nights {window['from']} to {window['to']} {window['zone']}" if window else ""
    before = ", ".join(f"{version} ({number})" for version, number in summary["old_versions"].items()) or "none"
    return (
        f"{summary['pipeline']}, read by {model['name']} {model['version']}{hours}; "
        f"{summary['state']}. Answers before by version: {before}."
    )


def _counts(summary: Summary) -> list[Flowable]:
    items, kinds, crossings = summary["items"], summary["kinds"], summary["crossings"]
    rows = [[state, str(number)] for state, number in items.items()]
    changed = [[called, str(kinds[kind])] for kind, called in KINDS.items()]
    changed[0][1] += f" ({crossings['up']} up, {crossings['down']} down)"
    return [
        Paragraph("Subjects", HEAD),
        _plain(rows, (HALF - 30 * mm, 30 * mm)),
        Spacer(0, 2 * mm),
        Paragraph("Compared with the answers before", HEAD),
        _plain(changed, (HALF - 40 * mm, 40 * mm)),
    ]


def _readers(summary: Summary) -> list[Flowable]:
    said = summary["clinicians"]
    rows = [
        ["old and new say the same", _share(summary["agreement"])],
        ["old says what readers signed", _share(said["old"])],
        ["new says what readers signed", _share(said["new"])],
    ]
    pace = [
        ["hours", f"{summary['duration_seconds'] / 3600:.2f}"],
        ["subjects an hour", _number(summary["an_hour"])],
        ["seconds a reading", _number(summary["seconds_a_reading"])],
    ]
    return [
        Paragraph("Agreement (95 % interval)", HEAD),
        _plain(rows, (44 * mm, HALF - 44 * mm)),
        Spacer(0, 2 * mm),
        Paragraph("Pace", HEAD),
        _plain(pace, (HALF - 30 * mm, 30 * mm)),
        Spacer(0, 2 * mm),
        Paragraph("Failures by reason", HEAD),
        _plain(_failures(summary), (HALF - 20 * mm, 20 * mm)),
    ]


def _failures(summary: Summary) -> list[list[str]]:
    reasons = [
        (number, f"{code} ({state.replace('_', ' ')})")
        for state, codes in summary["failures"].items()
        for code, number in codes.items()
    ]
    ranked = sorted(reasons, reverse=True)
    rows = [[reason, str(number)] for number, reason in ranked[:MOST_REASONS]]
    if len(ranked) > MOST_REASONS:
        rows.append(["other reasons", str(sum(number for number, _ in ranked[MOST_REASONS:]))])
    return rows or [["none", "0"]]


def _confusion(label: str, grades: Summary) -> Table:
    """The table of old against new grades; the darker a cell, the more of its row."""
    counts: list[list[int]] = grades["confusion"]
    kappa = _number(grades["quadratic_kappa"])
    head = [f"{label}: old, then new", *(str(grade) for grade in range(len(counts)))]
    rows = [head, *([f"old {grade}", *map(str, row)] for grade, row in enumerate(counts))]
    style = [*_RULED, ("ALIGN", (1, 0), (-1, -1), "CENTER"), ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold")]
    for old, row in enumerate(counts):
        for new, number in enumerate(row):
            share = number / max(sum(row), 1)
            style += [("BACKGROUND", (new + 1, old + 1), (new + 1, old + 1), _shade(share, same=old == new))]
    table = Table(rows, colWidths=[38 * mm, *([13 * mm] * len(counts))], rowHeights=5.4 * mm, style=TableStyle(style))
    told = [
        Paragraph(_text(f"equal {_share(grades['equal'])}"), BODY),
        Paragraph(f"quadratic kappa {kappa}", BODY),
        Paragraph("right of the diagonal: graver now", SMALL),
    ]
    wide = 38 * mm + 13 * mm * len(counts) + 4 * mm
    return Table([[table, told]], colWidths=[wide, WIDTH - wide], style=_TOP)


def _measures(summary: Summary) -> Table:
    rows = [["new minus old", "pairs", "mean", "95 % of the differences"]]
    for label, spread in summary["measures"].items():
        limits = f"{_number(spread['low'])} to {_number(spread['high'])}"
        rows.append([_latin(label), str(spread["n"]), _number(spread["mean"]), limits])
    bold = ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold")
    return Table(rows, colWidths=MEASURE_WIDTHS, style=TableStyle([*_RULED, bold]))


def _largest(summary: Summary) -> Table:
    rows: list[list[object]] = [["", "gravest changes", "study"]]
    for place, one in enumerate(summary["largest"][:MOST_LISTED], start=1):
        rows.append([str(place), Paragraph(_text(one["headline"]), BODY), one["study_id"]])
    if len(rows) == 1:
        rows.append(["", "nothing that a person should see", ""])
    bold = ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold")
    courier = ("FONTNAME", (2, 1), (2, -1), "Courier")
    style = TableStyle([*_RULED, bold, courier, ("VALIGN", (0, 0), (-1, -1), "MIDDLE")])
    return Table(rows, colWidths=[8 * mm, WIDTH - 66 * mm, 58 * mm], style=style)


def _foot(summary: Summary) -> str:
    return (
        f"Batch {summary['batch_id']}, made {summary['made_at'][:16].replace('T', ' ')} UTC. Old answers stand until a "
        "reader signs another; the changed studies are marked on the worklist. Research and demonstration, no medical "
        "device."
    )


_RULED: Final = (
    ("FONTNAME", (0, 0), (-1, -1), "Helvetica"),
    ("FONTSIZE", (0, 0), (-1, -1), 8.5),
    ("TEXTCOLOR", (0, 0), (-1, -1), INK),
    ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ("LEFTPADDING", (0, 0), (0, -1), 0),
)
_TOP: Final = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, 0), 0)])


def _plain(rows: Sequence[Sequence[str]], widths: tuple[float, float]) -> Table:
    right = ("ALIGN", (1, 0), (1, -1), "RIGHT")
    return Table([[_latin(cell) for cell in row] for row in rows], colWidths=widths, style=TableStyle([*_RULED, right]))


def _beside(left: list[Flowable], right: list[Flowable]) -> Table:
    return Table([[left, right]], colWidths=[WIDTH / 2, WIDTH / 2], style=_TOP)


def _shade(share: float, *, same: bool) -> Color:
    """White for none, towards grey on the diagonal and towards amber beside it; the number stays readable."""
    full = HexColor("#a9c6d8") if same else HexColor("#f0b45a")
    mixed = [one + (other - one) * share**0.5 for one, other in zip(white.rgb(), full.rgb(), strict=True)]
    return Color(*mixed)


def _share(share: Summary) -> str:
    if share["value"] is None:
        return "-"
    return f"{share['value']:.1%} ({share['low']:.1%} to {share['high']:.1%}), n {share['n']}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) < THOUSAND else f"{value:,.0f}"


def _latin(words: str) -> str:
    """What the page's fonts can write, for a cell of a table."""
    return words.encode(ENCODING, "replace").decode(ENCODING)


def _text(words: str) -> str:
    """The same for a paragraph, which reads markup."""
    return escape(_latin(words))
