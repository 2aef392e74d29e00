"""The words that every statement of a synthetic archive is put together from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table: a column's expression each, and where they are selected from."""

    table: str
    columns: Mapping[str, str]
    source: str

    def statement(self) -> str:
        """The INSERT."""
        return (
            f"INSERT INTO {self.table} ({', '.join(self.columns)}) SELECT {', '.join(self.columns.values())}"
            f" FROM {self.source}"
        )


@dataclass(frozen=True, slots=True)
class Archived:
    """Ids that the statements name: the site, and the two batches that read it again."""

    site_id: str
    batch_done: str
    batch_running: str


def ulid(kind: str, *numbers: str) -> str:
    """The expression of the id of a thing of a visit; `benchmarks.archive_people.id_of` makes the same."""
    return f"v.stamp || upper(substr(md5('{kind}' || {' || '.join(('v.n', *numbers))}), 1, 16))"


def sha256(kind: str, *numbers: str) -> str:
    """The expression of 64 hexadecimal digits that stand for a sha256."""
    told = " || ".join(("v.n", *numbers))
    return f"(md5('{kind}' || {told}) || md5('{kind}.' || {told}))"


def subject() -> tuple[str, str]:
    """Expressions of kind and id of what the visit's pipeline reads, as its registry entry says."""
    kind = "CASE v.pipeline WHEN 'reconstruction' THEN 'series' ELSE 'study' END"
    return kind, f"CASE v.pipeline WHEN 'reconstruction' THEN {ulid('series')} ELSE v.study_id END"
