"""The embedded broker: closed to strangers, and its rings survive kill -9."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.worker.valkey import LOG_FOLDER, Valkey
from tests.services.worker.test_listening import started


@pytest.fixture
def valkey(tmp_path: Path) -> Valkey:
    """Where a server may listen; nothing runs yet."""
    return Valkey.fresh(tmp_path / "broker")


def test_the_server_takes_no_command_without_its_password(valkey):
    # A refusal counts as a broken connection, which the client tries to mend for four seconds.
    stranger = redis.Redis(host="127.0.0.1", port=valkey.port, retry=Retry(NoBackoff(), 0))
    with started(valkey), stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_its_password_is_in_no_command_line_and_no_readable_file(valkey):
    assert not any(valkey.password in word for word in valkey.command())
    assert (valkey.folder / "valkey.conf").stat().st_mode & 0o077 == 0


def test_what_it_holds_survives_kill_9(valkey):
    with started(valkey), redis.Redis.from_url(valkey.url) as client:
        client.rpush("queue", *range(100))  # written before it is answered, synced within a second
    with started(valkey), redis.Redis.from_url(valkey.url) as client:
        assert client.llen("queue") == 100


def test_a_server_that_cannot_read_its_files_starts_again_without_them(valkey):
    folder = valkey.folder / LOG_FOLDER
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("nonsense")
    valkey.forget()
    with started(valkey):
        assert valkey.answers()
