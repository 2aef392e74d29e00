"""Every setting, error code and command has a line in docs/, and every link in the documents leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from scripts.reference import pages
from services.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", ["settings.md", "errors.md", "decisions/README.md"])
def test_a_generated_page_is_current(page: str) -> None:
    assert (ROOT / "docs" / page).read_text() == pages()[page], "run `make docs`"


def commands(group: typer.core.TyperGroup, prefix: str) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command.help or ""


def all_commands() -> list[tuple[str, str]]:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return list(commands(group, "overread"))


@pytest.mark.parametrize(("command", "sentence"), all_commands())
def test_a_command_is_documented_and_says_what_it_does(command: str, sentence: str) -> None:
    assert f"`{command}" in (ROOT / "docs" / "cli.md").read_text()
    assert sentence.strip()


def links() -> Iterator[tuple[Path, str]]:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
            if not re.match(r"[a-z]+:", target):
                yield document, target


@pytest.mark.parametrize(("document", "target"), [(d.relative_to(ROOT), t) for d, t in links()])
def test_a_link_in_a_document_leads_somewhere(document: Path, target: str) -> None:
    assert (ROOT / document).parent.joinpath(target).exists()


@pytest.mark.parametrize("document", [d.relative_to(ROOT) for d in DOCUMENTS])
def test_a_make_target_named_in_a_document_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", (ROOT / document).read_text())) <= targets


def test_no_two_decisions_have_one_number() -> None:
    numbers = [page.name[:4] for page in (ROOT / "docs" / "decisions").glob("0*.md")]
    assert len(numbers) == len(set(numbers))


def test_the_readme_states_the_figures_of_the_model_card() -> None:
    rows = re.findall(r"^\| [a-z ]+ \| [\d.]+ \| .* \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    card = (ROOT / "models" / "fundus_dr_grading" / "docs" / "README.md").read_text()
    assert rows
    assert [row for row in rows if row not in card] == []
