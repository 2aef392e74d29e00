"""A report as JSON and back, for the process that writes its files: equal in every word, number and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipelines.core.report import Caution, Line, Part, Picture, Report, Section, Signature
from pipelines.core.types import Code, Finding, Laterality

#: Any: JSON.
Fields = Mapping[str, Any]


def report_json(report: Report) -> dict[str, Any]:  # Any: JSON
    """The report's fields under their own names; times are ISO 8601 with their offset."""
    signatures = [
        {"reader": signature.reader, "signed_at": signature.signed_at.isoformat()} for signature in report.signatures
    ]
    return {**asdict(report), "as_of": report.as_of.isoformat(), "signatures": signatures}


def report_from_json(fields: Fields) -> Report:
    """The report back from the JSON that `report_json` makes of it."""
    return Report(
        study_id=fields["study_id"],
        title=fields["title"],
        identity=fields["identity"],
        as_of=datetime.fromisoformat(fields["as_of"]),
        sections=tuple(_section(each) for each in fields["sections"]),
        signatures=tuple(
            Signature(each["reader"], datetime.fromisoformat(each["signed_at"])) for each in fields["signatures"]
        ),
        undecided=fields["undecided"],
    )


def finding_from_json(fields: Fields) -> Finding:
    """A finding back from its fields, as the contract's JSON has them too."""
    side, interval = fields.get("laterality"), fields.get("interval")
    return Finding(
        code=Code(**fields["code"]),
        label=fields["label"],
        value=fields["value"],
        unit=fields.get("unit"),
        probabilities=fields.get("probabilities"),
        interval=(interval[0], interval[1]) if interval else None,
        laterality=Laterality(side) if side else None,
    )


def _section(fields: Fields) -> Section:
    return Section(
        part=Part(fields["part"]),
        heading=fields["heading"],
        lines=tuple(_line(each) for each in fields["lines"]),
        pictures=tuple(Picture(**each) for each in fields["pictures"]),
        findings=tuple(finding_from_json(each) for each in fields["findings"]),
    )


def _line(fields: Fields) -> Line:
    cautions = tuple(_caution(each) for each in fields["cautions"])
    return Line(fields["name"], fields["text"], fields["chief"], cautions)


def _caution(fields: Fields) -> Caution:
    side = fields["laterality"]
    return Caution(Code(**fields["code"]), Laterality(side) if side else None)
