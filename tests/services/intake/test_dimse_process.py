"""The DICOM listener as the process that `overread up` starts and stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pynetdicom import AE, VerificationPresentationContexts

from services.settings import Settings
from services.store.stores import Store
from services.worker.embedded import System

ROOT = Path(__file__).resolve().parents[3]
READY_SECONDS = 90.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def is_answered(port: int) -> bool:
    """Whether a C-ECHO succeeds."""
    modality = AE("CT1")
    modality.requested_contexts = VerificationPresentationContexts
    association = modality.associate("127.0.0.1", port, ae_title="OVERREAD")
    if not association.is_established:
        return False
    status = association.send_c_echo().Status
    association.release()
    return bool(status == 0)


# pynetdicom leaves a socket that could not connect to the garbage collector.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_the_process_answers_and_ends_cleanly_when_it_is_asked_to(settings: Settings, store: Store) -> None:
    port = free_port()
    told = {"OVERREAD_DATA_DIR": str(settings.data_dir), "OVERREAD_DIMSE_PORT": str(port)}
    if settings.database_url:
        told["OVERREAD_DATABASE_URL"] = settings.database_url
    process = subprocess.Popen(
        [sys.executable, "-m", "services.worker.serve", "dimse"], cwd=ROOT, env={**os.environ, **told}
    )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not is_answered(port):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(READY_SECONDS) == 0


@pytest.mark.slow
def test_a_system_with_a_port_for_it_starts_the_listener(settings: Settings) -> None:
    port = free_port()
    with System.start(settings.model_copy(update={"port": 0, "dimse_port": port})) as system:
        assert is_answered(port)
        assert len(system.pids["dimse"]) == 1
