"""Reads the project's own source, for tests that hold its form."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipelines", "services")


@dataclass(frozen=True)
class Module:
    """One source file: its path from the root, its lines and its syntax tree."""

    path: str
    lines: list[str]
    tree: ast.Module

    def walk(self) -> Iterator[ast.AST]:
        """Every node of the file."""
        return ast.walk(self.tree)


def modules() -> list[Module]:
    """Every Python file of the product (not tests, scripts or benchmarks)."""
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return [
        Module(path.relative_to(ROOT).as_posix(), path.read_text().splitlines(), ast.parse(path.read_text()))
        for path in files
        if "node_modules" not in path.parts
    ]
