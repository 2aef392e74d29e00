"""Receipts: what a result was made from, as one digest over canonical JSON."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Final

from pipelines.core.types import Receipt

#: The instruction sets that change which kernels a CPU runs, thus the last bits of a result.
_TELLING_FLAGS: Final = (
    "sse4_2",
    "avx",
    "fma",
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_tile",
    "asimd",
    "sve",
)
#: Where a reading ran and how much memory it was given make no other numbers; what they changed is digested.
_UNDIGESTED: Final = frozenset({"digest", "host", "memory_step"})


def canonical_json(value: object) -> bytes:
    """One text for one value: sorted keys, no spaces, UTF-8, no NaN (ValueError); like RFC 8785 for what we store."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: object) -> str:
    """The sha256 of a value's canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def derived_uid(*parts: str) -> str:
    """A UID that the same parts always give: 2.25 and the first 128 bits of their sha256.

    Source: PS3.5 B.2. Version and variant bits are set, so that it is a proper (version 8) UUID, RFC 9562.
    """
    number = int.from_bytes(hashlib.sha256(canonical_json(parts)).digest()[:16], "big")
    number = number & ~(0xF << 76) | (0x8 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    return f"2.25.{number}"


@cache
def code_digest() -> str:
    """The sha256 over the paths and bytes of every Python file under pipelines/, training recipes left out."""
    root = Path(__file__).resolve().parents[1]
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).as_posix()):
        name = path.relative_to(root).as_posix()
        if name.startswith("training/"):
            continue
        total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


@cache
def processor() -> str:
    """The machine's architecture and the instruction sets that decide on numbers, as in "x86_64+avx2+fma"."""
    cpuinfo = Path("/proc/cpuinfo")
    flags: set[str] = set()
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in {"flags", "Features"}:
                flags = set(value.split())
                break
    return "+".join([platform.machine(), *(flag for flag in _TELLING_FLAGS if flag in flags)])


def sealed(receipt: Receipt) -> Receipt:
    """The receipt with its digest, over every field but `digest`, `host` and `memory_step`."""
    fields = {name: value for name, value in asdict(receipt).items() if name not in _UNDIGESTED}
    return replace(receipt, digest=digest(fields))


def input_digests(sha256s: Iterable[str]) -> tuple[str, ...]:
    """Hashes of input files as a receipt states them, sorted, so that the order of arrival does not matter."""
    return tuple(sorted(f"sha256:{value}" for value in sha256s))


def is_intact(receipt: Receipt) -> bool:
    """Whether the digest is the one its fields give."""
    return sealed(receipt).digest == receipt.digest
