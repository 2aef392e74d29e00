"""Whose fault a death was."""

from __future__ import annotations

import os
import signal

import pytest

from pipelines.core.errors import ReaderCrashed
from services.worker.deaths import death, oom_kills, peak_resident_bytes, resident_bytes


@pytest.mark.parametrize(
    ("returncode", "kills", "own"),
    [
        (-signal.SIGSEGV, 0, True),
        (-signal.SIGABRT, 0, True),
        (-signal.SIGKILL, 1, True),
        (-signal.SIGKILL, 0, False),
        (-signal.SIGTERM, 1, False),
        (1, 0, False),
        (None, 0, False),
    ],
)
def test_a_death_is_the_jobs_own_only_where_something_says_so(returncode, kills, own):
    assert isinstance(death(returncode, kills, None), ReaderCrashed) is own


def test_a_kill_for_memory_says_so():
    assert death(-signal.SIGKILL, 1, 7).code == "out_of_memory"
    assert death(-signal.SIGKILL, 1, 7).peak_memory_bytes == 7


def test_the_kernels_count_of_kills_never_goes_back():
    first = oom_kills()
    assert 0 <= first <= oom_kills()


def test_a_process_knows_its_memory_and_a_gone_one_has_none():
    held, peak = resident_bytes(os.getpid()), peak_resident_bytes(os.getpid())
    assert held is not None and peak is not None and 1024**2 < held <= peak
    assert resident_bytes(2**22 + 1) is None
