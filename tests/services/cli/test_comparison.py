"""Two versions of a model as lines for a person."""

from __future__ import annotations

from services.cli.comparison import comparison_lines
from services.work.comparison import Comparison


def test_a_comparison_reads_as_lines_also_where_there_is_nothing_to_compare() -> None:
    found = Comparison("retinopathy")
    found.tally.add("dr_grade", None, 1, 2)
    found.tally.add("volume", None, 1.0, 2.0)
    head = {"model": "fundus_dr_grading", "candidate": "2.0.0", "reference": "1.0.0"}
    told = "\n".join(comparison_lines(head | found.as_json()))
    assert "2.0.0 beside 1.0.0, which is in use" in told
    assert "1      0      0      1      0      0" in told
    assert "volume: mean difference 1 (- to -)" in told
    assert "as readers signed - (none)" in told
