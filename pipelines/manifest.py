"""Manifests: CSV files that name the files to evaluate on and what is true of each."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a manifest: its number, and the stripped value of each column that was asked for."""

    line: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """A row without a result, and why; `path` as the manifest writes it."""

    path: str
    code: str
    detail: str


def read_rows(manifest: Path, columns: Sequence[str]) -> list[Row]:
    """Every row of a CSV in UTF-8 that has these columns, each with a path.

    Raises BadInput with code bad_manifest, with the line where one is to blame.
    """
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            return list(_rows(csv.DictReader(file), columns))
    except OSError as error:
        raise bad_manifest("cannot be opened") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad_manifest("is not a CSV file in UTF-8") from error


def bad_manifest(detail: str, **facts: object) -> BadInput:
    """What is wrong with a manifest, as half a sentence."""
    return BadInput(f"the manifest {detail}", code="bad_manifest", **facts)


def _rows(reader: csv.DictReader[str], columns: Sequence[str]) -> Iterator[Row]:
    missing = set(columns) - set(reader.fieldnames or ())
    if missing:
        raise bad_manifest(f"has no column {' and no column '.join(sorted(missing))}")
    is_empty = True
    for row in reader:
        is_empty = False
        values = {column: (row[column] or "").strip() for column in columns}
        if not values["path"]:
            raise bad_manifest("has a row without a path", line=reader.line_num)
        yield Row(reader.line_num, values)
    if is_empty:
        raise bad_manifest("has no rows")
