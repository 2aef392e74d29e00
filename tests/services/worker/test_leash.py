"""The leash: no child outlives the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from services.worker.deaths import resident_bytes
from services.worker.leash import leashed

PARENT = """
import subprocess, time
from services.worker.leash import leashed
child = subprocess.Popen(leashed("program", "/bin/sh", "-c", "echo $$; exec sleep 600"), stdin=subprocess.PIPE)
time.sleep(600)
"""


def gone(pid: int, seconds: float = 60.0) -> bool:
    """Whether a process ends within a time."""
    deadline = time.monotonic() + seconds
    while resident_bytes(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return resident_bytes(pid) is None


def test_a_program_ends_with_a_parent_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
    assert gone(child)


def test_a_module_ends_when_its_parent_lets_go_of_its_input():
    with subprocess.Popen(
        leashed("module", "http.server", "0"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as child:
        child.stdin.close()
        assert child.wait(60) == -signal.SIGTERM


def test_a_child_whose_parent_is_gone_before_it_looks_does_not_start():
    command = leashed("program", "/bin/echo", "started")
    command[command.index(str(os.getpid()))] = "1"
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_crash_on_the_leash_leaves_no_core_file():
    limits = subprocess.run(
        leashed("program", "/bin/sh", "-c", "ulimit -c"), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert limits.stdout.split() == ["0"]
