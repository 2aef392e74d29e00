"""What a night has brought, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator

from services.cli.comparison import Figures, grade_lines, measure_lines, share_words
from services.work.summary import Summary


def summary_lines(summary: Summary) -> Iterator[str]:
    """Counts, who changed, agreement with readers, failures, old against new, and the gravest changes."""
    items, model, crossings = summary["items"], summary["model"], summary["crossings"]
    yield f"{summary['name']}: {summary['pipeline']} with {model['name']} {model['version']}, {summary['state']}"
    yield f"  subjects                      {_counts(items)}"
    yield f"  against the answers before    {_counts(summary['kinds'])}"
    yield f"  crossed a line                {crossings['up']} up, {crossings['down']} down"
    yield f"  old and new say the same      {share_words(summary['agreement'])}"
    yield f"  old says what readers signed  {share_words(summary['clinicians']['old'])}"
    yield f"  new says what readers signed  {share_words(summary['clinicians']['new'])}"
    yield from _failures(summary["failures"])
    for label, grades in summary["grades"].items():
        yield from grade_lines(label, grades, "rows old, columns new")
    yield from measure_lines(summary["measures"])
    for one in summary["largest"]:
        yield f"  {one['study_id']}  {one['kind']:10} {one['headline']}"


def _counts(numbers: Figures) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.items() if number) or "none"


def _failures(failures: Figures) -> Iterator[str]:
    for state, codes in failures.items():
        for code, number in codes.items():
            yield f"  {state.replace('_', ' '):12} {number:6}  {code}"
