"""A batch's summary as CSV: one figure a line, so that a spreadsheet or a script finds each by its names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from services.work.summary import Summary

HEADER: Final = ("section", "name", "row", "column", "value")
Cell = str | int | float | None
#: What a spreadsheet would take for a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
SINGLE: Final = (
    "batch_id", "name", "pipeline", "state", "created_at", "started_at", "finished_at", "made_at",
    "duration_seconds", "an_hour", "seconds_a_reading",
)  # fmt: skip


def as_csv(summary: Summary) -> str:
    """The summary as RFC 4180 text: section, name, row, column, value."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for line in _lines(summary):
        writer.writerow([_plain(cell) for cell in line])
    return out.getvalue()


def _lines(summary: Summary) -> Iterator[tuple[Cell, ...]]:
    for name in SINGLE:
        yield "batch", name, None, None, summary[name]
    yield "batch", "model", None, None, f"{summary['model']['name']} {summary['model']['version']}"
    for section in ("items", "kinds", "crossings", "old_versions"):
        for name, value in summary[section].items():
            yield section, name, None, None, value
    for state, reasons in summary["failures"].items():
        for code, number in reasons.items():
            yield "failures", state, code, None, number
    for figure, value in summary["agreement"].items():
        yield "agreement", "old and new", None, figure, value
    for side, share in summary["clinicians"].items():
        for figure, value in share.items():
            yield "clinicians", side, None, figure, value
    yield from _findings(summary)
    for place, one in enumerate(summary["largest"], start=1):
        for column, value in one.items():
            yield "largest", None, place, column, value


def _findings(summary: Summary) -> Iterator[tuple[Cell, ...]]:
    for label, grades in summary["grades"].items():
        for old, row in enumerate(grades["confusion"]):
            for new, number in enumerate(row):
                yield "confusion", label, old, new, number
        for figure, value in grades["equal"].items():
            yield "equal grades", label, None, figure, value
        yield "quadratic kappa", label, None, None, grades["quadratic_kappa"]
    for label, spread in summary["measures"].items():
        for figure, value in spread.items():
            yield "difference", label, None, figure, value


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
