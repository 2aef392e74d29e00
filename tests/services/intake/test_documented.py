"""Every code that intake may answer with has its line in docs/intake.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [
    *sorted((ROOT / "services" / "intake").glob("*.py")),
    *(
        ROOT / "services" / "work" / f"{name}.py"
        for name in ("archives", "zipends", "submission", "photographs", "flags")
    ),
    *(ROOT / "pipelines" / "imaging" / f"{name}.py" for name in ("dicom", "structure", "wrap")),
]
ELSEWHERE = {"csrf_failed", "wrong_key"}  # who is asking: docs/api.md


def codes() -> set[str]:
    found: set[str] = set()
    for source in SOURCES:
        found |= set(re.findall(r"""(?:code=|: Final = )"([a-z]+(?:_[a-z]+)+)\"""", source.read_text()))
    return found - ELSEWHERE - {"overread_session", "overread_csrf"}


@pytest.mark.parametrize("code", sorted(codes()))
def test_a_code_is_documented(code: str) -> None:
    assert f"`{code}`" in (ROOT / "docs" / "intake.md").read_text()
