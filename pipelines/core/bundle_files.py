"""What lies where in a bundle's folder, and how its files are read; knows no network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pipelines.core.errors import ModelError

METADATA: Final = Path("configs/metadata.json")
INFERENCE: Final = Path("configs/inference.json")
WEIGHTS: Final = Path("models/model.safetensors")
FAMILIARITY: Final = Path("models/familiarity.safetensors")  # where a bundle knows what it was trained on
CARD: Final = Path("docs/README.md")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, Any since its values are checked where they are used; raises ModelError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"the bundle's {path.name} cannot be read") from error
    if not isinstance(content, dict):
        raise ModelError(f"the bundle's {path.name} is not a JSON object")
    return content


def file_sha256(path: Path) -> str:
    """Lower-case hexadecimal sha256 of a file's bytes; raises ModelError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"the bundle's {path.name} cannot be read") from error
