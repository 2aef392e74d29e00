"""Patients of the browser's journeys: all files share one running system, and find their rows by the patient's id."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

JOURNEYS = Path(__file__).resolve().parents[1] / "e2e" / "dashboard"
#: The letter of an id and the first sign after it, in a text or in one that a number is put into.
PATIENT = re.compile(r'"([A-Z]-)\{?(\w)')


def test_no_two_files_of_journeys_have_patients_that_begin_alike() -> None:
    files = defaultdict(set)
    for path in JOURNEYS.glob("test_*.py"):
        for letter, first in PATIENT.findall(path.read_text()):
            files[letter + first].add(path.name)
    assert len(files) > 10
    assert {begin: names for begin, names in files.items() if len(names) > 1} == {}
