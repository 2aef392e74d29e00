"""Remembers on the sender's side which files have arrived, so that an interrupted `overread submit` goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from services.cli.parcels import Letter

#: Where such notes belong by the XDG base directory specification.
FOLDER: Final = Path(".local", "state", "overread", "submit")


def journal_of(url: str, roots: Sequence[Path], home: Path) -> Journal:
    """The journal of sending these paths to this address; empty where there is none yet."""
    subject = json.dumps([url, *sorted(str(root.resolve()) for root in roots)])
    path = home / FOLDER / f"{hashlib.sha256(subject.encode()).hexdigest()[:32]}.jsonl"
    journal = Journal(path)
    if path.exists():
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            journal.marks.update(entry["marks"])
            journal.studies.update(dict.fromkeys(entry["studies"]))
    return journal


@dataclass
class Journal:
    """Marks of files that arrived and the studies they went to; holds no file name, only hashes."""

    path: Path
    marks: set[str] = field(default_factory=set)
    studies: dict[str, None] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def holds(self, letter: Letter) -> bool:
        """Whether this file, unchanged since, has arrived."""
        return _mark(letter) in self.marks

    def add(self, letters: Iterable[Letter], studies: Sequence[str]) -> None:
        """Write down that files arrived; durable enough to survive the end of this process."""
        marks = [_mark(letter) for letter in letters]
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as opened:
                opened.write(json.dumps({"marks": marks, "studies": list(studies)}) + "\n")
            self.marks.update(marks)
            self.studies.update(dict.fromkeys(studies))

    def close(self) -> None:
        """Forget everything: the work is done, and sending the same again is a new wish."""
        self.path.unlink(missing_ok=True)


def _mark(letter: Letter) -> str:
    changed = letter.path.stat().st_mtime_ns
    return hashlib.sha256(f"{letter.path}\0{letter.bytes}\0{changed}".encode()).hexdigest()
