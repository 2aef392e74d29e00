"""Writes the pages of settings, errors and decisions from their sources, so that they cannot fall behind."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script's own folder is on the path, not the checkout

from pipelines.core import errors  # noqa: E402
from pipelines.core.errors import OverreadError  # noqa: E402
from services.settings import Settings  # noqa: E402

SOURCES: Final = ("pipelines", "services")
NOTE: Final = "<!-- Written by `make docs`. -->\n"

SETTINGS_HEAD: Final = f"""\
# Settings

{NOTE}
Every setting is an environment variable; nothing else is read, and an empty one is as if it were not set. Sizes are in
bytes, times in seconds. The command line overrides some of them (`--data`, `--port`); `overread up` hands all of them
on to the processes it starts.

| variable | default | what |
| --- | --- | --- |
"""
ERRORS_HEAD: Final = f"""\
# Errors

{NOTE}
Every refusal has a stable `code` and one sentence. Over HTTP it is `application/problem+json` (RFC 9457) with `type`,
`title`, `status`, `detail` and `code`; for single files of an upload it stands beside the file in the answer; for a job
on the job; at the command line on standard error. "again" says whether the same request may succeed later.

## Kinds

| code | status | again | sentence |
| --- | --- | --- | --- |
"""
DECISIONS_HEAD: Final = f"""\
# Decisions

{NOTE}
One page each: context, decision, consequences, alternatives.

"""
NARROWER_HEAD: Final = """
## Narrower codes

A code here replaces the code of its kind where the reason is known better. `…` stands for what is filled in.

| code | kind | status | sentence |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, order=True)
class NarrowCode:
    """A code given where an error is raised, the code of its kind, and its sentence."""

    code: str
    kind: str
    status: int
    sentence: str


def main() -> int:
    """Write the pages."""
    for name, text in pages().items():
        (ROOT / "docs" / name).write_text(text)
    return 0


def pages() -> dict[str, str]:
    """The generated pages by their names in docs/."""
    return {"settings.md": settings_page(), "errors.md": errors_page(), "decisions/README.md": decisions_page()}


def decisions_page() -> str:
    """One line a decision, by its number; the line is the page's heading."""
    folder = ROOT / "docs" / "decisions"
    lines = [
        f"- [{page.read_text().splitlines()[0].removeprefix('# ')}]({page.name})\n" for page in folder.glob("0*.md")
    ]
    return DECISIONS_HEAD + "".join(sorted(lines))


def settings_page() -> str:
    """One row a setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = field.default
        if isinstance(value, Path):
            value = value.relative_to(ROOT) if value.is_absolute() else value
        default = "" if value in {None, ""} else f"`{str(value).lower() if isinstance(value, bool) else value}`"
        rows.append(f"| `OVERREAD_{name.upper()}` | {default} | {field.description} |\n")
    return SETTINGS_HEAD + "".join(rows)


def errors_page() -> str:
    """The error tree, then the codes that are given where errors are raised."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OverreadError)]
    rows = [
        f"| `{kind.code}` | {kind.status} | {'yes' if kind.retry else 'no'} | {first_line(kind)} |\n" for kind in kinds
    ]
    by_code: dict[str, NarrowCode] = {}
    for narrow in sorted(narrow_codes(), key=lambda one: (one.code, one.sentence.startswith("…"), one)):
        by_code.setdefault(narrow.code, narrow)
    narrower = [f"| `{one.code}` | `{one.kind}` | {one.status} | {one.sentence} |\n" for one in by_code.values()]
    return ERRORS_HEAD + "".join(rows) + NARROWER_HEAD + "".join(narrower)


def first_line(kind: type[OverreadError]) -> str:
    """The sentence of an error class."""
    return (kind.__doc__ or "").split("\n", 1)[0]


def narrow_codes() -> Iterator[NarrowCode]:
    """Every `SomeError(sentence, code="...")` in the source."""
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield from narrow_code(node)


def narrow_code(call: ast.Call) -> Iterator[NarrowCode]:
    """The code of one call, where it makes one of our errors with a literal code."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, OverreadError)):
        return
    for keyword in call.keywords:
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
            sentence = spoken(call.args[0]) if call.args else first_line(kind)
            yield NarrowCode(str(keyword.value.value), kind.code, kind.status, sentence)


def spoken(expression: ast.expr) -> str:
    """A literal or f-string as a sentence, with `…` for what is filled in."""
    if isinstance(expression, ast.Constant):
        return str(expression.value)
    if isinstance(expression, ast.JoinedStr):
        return "".join(spoken(part) for part in expression.values)
    return "…"


if __name__ == "__main__":
    sys.exit(main())
