"""Model bundles as bytes: a folder becomes the same tar every time, and a tar becomes a folder again, safely."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.core.bundle_files import CARD, INFERENCE, METADATA, WEIGHTS, file_sha256, read_json
from pipelines.core.errors import ModelError, WeightsRefused

BUNDLE_MEDIA_TYPE: Final = "application/x-tar"
#: Numbers of configs/inference.json at which a model's answer turns: the registry shows them.
THRESHOLDS: Final = ("referable_threshold", "abstain_below")
LARGEST_BUNDLE_BYTES = 8 * 1024**3
MOST_MEMBERS = 10_000
_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle folder that was read and whose weights have the pinned hash."""

    folder: Path
    name: str
    version: str
    weights_sha256: str
    facts: Mapping[str, Any]  # configs/metadata.json
    thresholds: Mapping[str, Any]
    card: str


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle folder; raises ModelError where a part is missing, WeightsRefused where the weights are others."""
    facts = _json(folder / METADATA)
    card, weights = folder / CARD, folder / WEIGHTS
    if not card.is_file() or not weights.is_file():
        raise ModelError("the bundle lacks its model card or its weights", code="bundle_incomplete")
    digest = file_sha256(weights)
    if digest != facts.get("weights_sha256"):
        raise WeightsRefused
    inference = _json(folder / INFERENCE)
    thresholds: dict[str, Any] = {name: inference[name] for name in THRESHOLDS if name in inference}
    try:
        return Bundle(
            folder, str(facts["name"]), str(facts["version"]), digest, facts, thresholds, card.read_text("utf-8")
        )
    except KeyError as error:
        raise ModelError("the bundle's metadata lacks its name or version", code="bundle_incomplete") from error


def pack(folder: Path, target: Path) -> str:
    """Write the folder as a tar and return its sha256; equal files give equal bytes on every machine.

    Names sorted, owners, times and modes fixed, no compression; hidden files and caches stay out.
    """
    files = sorted(
        (path for path in folder.rglob("*") if path.is_file() and _belongs(path.relative_to(folder))),
        key=lambda path: path.relative_to(folder).as_posix(),
    )
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in files:
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size, member.mode = path.stat().st_size, _MODE
            with path.open("rb") as content:
                tar.addfile(member, content)
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _belongs(path: Path) -> bool:
    return not any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def unpack(tar_path: Path, target: Path) -> None:
    """Unpack a bundle's tar as the folder `target`, all or nothing; harmless where another process was quicker.

    Raises ModelError for anything but plain files below the folder, and for more than a bundle can hold.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=".unpacking-"))
    try:
        with tarfile.open(tar_path, "r:") as tar:
            members = tar.getmembers()
            _refuse_strange(members)
            tar.extractall(scratch, members=members, filter="data")
        try:
            scratch.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    except (tarfile.TarError, ValueError) as error:
        raise ModelError("the bundle's archive is damaged", code="bundle_damaged") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _refuse_strange(members: list[tarfile.TarInfo]) -> None:
    if len(members) > MOST_MEMBERS or sum(member.size for member in members) > LARGEST_BUNDLE_BYTES:
        raise ModelError("the bundle's archive is larger than a bundle may be", code="bundle_damaged")
    if any(not member.isfile() or member.name.startswith("/") or ".." in Path(member.name).parts for member in members):
        raise ModelError("the bundle's archive holds more than plain files below its folder", code="bundle_damaged")


def _json(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except ModelError as error:
        raise ModelError(error.sentence, code="bundle_incomplete") from error
