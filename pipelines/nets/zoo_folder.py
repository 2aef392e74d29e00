"""A MONAI bundle's folder as the model zoo ships it, read as data: configurations, weights file and digest."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from pipelines.core.bundle_files import METADATA, file_sha256
from pipelines.core.errors import BundleRefused

INFERENCE: Final = ("configs/inference.json", "configs/inference.yaml", "configs/inference.yml")
#: What every bundle's inference file must hold. Source: MONAI bundle specification, inference properties.
REQUIRED: Final = ("network_def", "preprocessing", "inferer", "postprocessing")
REQUIRED_FOR_SCRIPT: Final = ("preprocessing", "inferer", "postprocessing")
STATE_SUFFIXES: Final = (".pt", ".pth", ".safetensors")
SCRIPT_SUFFIX: Final = ".ts"
CONFIGURATION_BYTES: Final = 4_000_000
MOST_FILES: Final = 10_000
DEEPEST: Final = 100
#: A file of weights is stored, not packed: more than this beside its own size is a bomb.
PACKED_RATIO: Final = 1.5
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
_VERSION: Final = re.compile(r"[\w.+-]{1,64}", re.ASCII)

Json = Any  # JSON, as it comes from a file


@dataclass(frozen=True, slots=True)
class ZooFolder:
    """A bundle's folder with both configurations read; `name` is the folder's own, as in the zoo."""

    folder: Path
    name: str
    metadata: Mapping[str, Json]
    inference: Mapping[str, Json]
    digest: str

    @property
    def version(self) -> str:
        """The bundle's version."""
        return str(self.metadata["version"])


def open_folder(folder: Path) -> ZooFolder:
    """Read a bundle's folder; raises BundleRefused where a part is missing, unreadable or not a plain file."""
    digest = folder_digest(folder)
    found = next((folder / name for name in INFERENCE if (folder / name).is_file()), None)
    if found is None:
        raise BundleRefused("the bundle lacks configs/inference.json or .yaml", code="bundle_key_missing")
    metadata = read_configuration(folder / METADATA)
    if not isinstance(metadata.get("version"), str) or not _VERSION.fullmatch(metadata["version"]):
        raise BundleRefused("the bundle's metadata.json lacks a version", code="bundle_key_missing")
    return ZooFolder(folder, checked_name(folder.resolve().name), metadata, read_configuration(found), digest)


def checked_name(name: str) -> str:
    """The name, if a model can have it: it stands in addresses and in logs. Raises BundleRefused."""
    if not _NAME.fullmatch(name):
        raise BundleRefused(
            "that is no name for a model: up to 64 letters, digits and . _ -", code="bundle_name_refused"
        )
    return name


def read_configuration(path: Path) -> dict[str, Json]:
    """A JSON or YAML file as an object; YAML tags are refused. Raises BundleRefused."""
    try:
        if path.stat().st_size > CONFIGURATION_BYTES:
            raise BundleRefused(f"the bundle's {path.name} is larger than a configuration is", code="bundle_too_large")
        text = path.read_text("utf-8")
        _refuse_nesting(text, path.name)
        content = json.loads(text, parse_constant=_refuse_constant) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise BundleRefused(f"the bundle lacks {path.parent.name}/{path.name}", code="bundle_key_missing") from error
    except yaml.constructor.ConstructorError as error:
        raise BundleRefused(f"{path.name}: {error.problem}", code="bundle_yaml_tag") from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise BundleRefused(f"the bundle's {path.name} cannot be read", code="bundle_unreadable") from error
    if "\\u0000" in text:
        raise BundleRefused(f"the bundle's {path.name} holds a character that no text has", code="bundle_unreadable")
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise BundleRefused(f"the bundle's {path.name} is not an object", code="bundle_unreadable")
    return content


def _refuse_nesting(text: str, name: str) -> None:
    # A YAML reader's time grows with the square of open brackets: some thousands of them hold it for minutes.
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            raise BundleRefused(f"the bundle's {name} is nested too deeply", code="bundle_too_large")


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")  # RFC 8259; a database takes none of them either


def require_keys(inference: Mapping[str, Json], keys: tuple[str, ...]) -> None:
    """Raises BundleRefused naming every key that the inference file lacks."""
    missing = [key for key in keys if key not in inference]
    if missing:
        raise BundleRefused(f"the inference file lacks {', '.join(missing)}", code="bundle_key_missing")


def folder_digest(folder: Path) -> str:
    """The sha256 over the paths and bytes of every file, hidden ones left out.

    Raises BundleRefused for a link, a device or more files than a bundle has: a link could bring in any file.
    """
    total = hashlib.sha256()
    paths = sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix())
    if len(paths) > MOST_FILES:
        raise BundleRefused("the folder holds more files than a bundle does", code="bundle_too_large")
    for path in paths:
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BundleRefused("the folder holds a link, or something that is no plain file", code="bundle_link")
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in name.split("/")):
            total.update(f"{name}\0{file_sha256(path)}\n".encode())
    return total.hexdigest()


def find_weights(folder: Path, wanted: str | None) -> Path:
    """The file of weights: the one the configuration loads, else model.* , else the only one in models/.

    Raises BundleRefused where there is none, or several and nothing says which.
    """
    held = sorted(path for path in (folder / "models").glob("*") if path.suffix in (*STATE_SUFFIXES, SCRIPT_SUFFIX))
    by_name = {path.name: path for path in held}
    names = (wanted, "model.pt", "model.safetensors", "model.pth", "model.ts")
    found = next((by_name[name] for name in names if name in by_name), None)
    if found is None and len(held) == 1:
        found = held[0]
    if found is None:
        raise BundleRefused("the bundle lacks models/model.pt", code="bundle_key_missing")
    return found


def refuse_packed(path: Path) -> None:
    """Raises BundleRefused for a file of weights that unpacks to far more than its size."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise BundleRefused("the weights file is damaged", code="bundle_weights_refused") from error
    if unpacked > PACKED_RATIO * path.stat().st_size + CONFIGURATION_BYTES:
        raise BundleRefused("the weights file unpacks to more than weights do", code="bundle_weights_refused")
