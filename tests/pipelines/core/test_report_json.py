"""A report goes through JSON to the process that writes its files, and is the same there."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from pipelines.core.codes import UNTRAINED_CAMERA
from pipelines.core.report import SECOND_AWAITED, Caution, Line, Part, Picture, Report, Section, Signature
from pipelines.core.report_json import report_from_json, report_json
from pipelines.core.types import Code, Finding, Laterality

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
GRADE = Code("4855003", "SCT", "Diabetic retinopathy")
FINDINGS = (
    Finding(GRADE, "dr_grade", 2, None, {"0": 0.1, "2": 0.9}, (1, 3), Laterality.LEFT),
    Finding(GRADE, "volume", 2.0, "ml", None, (0.1 + 0.2, 3.5)),
    Finding(GRADE, "word", "none"),
    Finding(GRADE, "nothing", None),
)
LINES = (
    Line("Reader", "“Größer als\n山田”", chief=True),
    Line("Caution", "of one eye", cautions=(Caution(UNTRAINED_CAMERA, Laterality.RIGHT), Caution(UNTRAINED_CAMERA))),
)
READING = Section(Part.READING, "Diabetic retinopathy", LINES, (Picture("Left eye", "/results/R", "a" * 64),), FINDINGS)


def test_a_report_is_the_same_after_its_way_through_json() -> None:
    empty = Section(Part.FOOT, "About this page", ())
    report = Report(
        "S", "Imaging report", "Name Doe", NOON, (READING, empty), (Signature("carol", NOON),), SECOND_AWAITED
    )
    again = report_from_json(json.loads(json.dumps(report_json(report))))
    assert again == report and hash(again.sections[1]) == hash(empty)
    values = [finding.value for finding in again.sections[0].findings]
    assert [type(value) for value in values] == [int, float, str, type(None)]
