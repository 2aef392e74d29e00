"""Opaque, time-ordered ids: ULIDs, the only thing URLs, logs, messages and metrics carry."""

from __future__ import annotations

import secrets
import time

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # https://github.com/ulid/spec
ULID_LENGTH = 26


def new_id() -> str:
    """A fresh ULID: 48 bits of milliseconds, 80 random bits, 26 characters."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
