"""The doorbell: a ring says a queue's name and nothing else, and a broker that is away costs a ring only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from services.broker import CeleryBell, SilentBell, make_app, open_bell
from services.settings import Settings
from services.worker.valkey import Valkey, free_port
from tests.services.worker.test_listening import started


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A running server."""
    valkey = Valkey.fresh(tmp_path_factory.mktemp("broker"))
    with started(valkey):
        yield valkey


@pytest.fixture
def bell(valkey: Valkey) -> CeleryBell:
    """A bell whose broker is running and empty."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return CeleryBell(make_app(Settings(broker_url=valkey.url)))


def test_rings_wait_until_somebody_hears_them(bell):
    for _ in range(3):
        bell.ring("retinopathy")
    assert (bell.waiting("retinopathy"), bell.waiting("segmentation")) == (3, 0)


def test_a_ring_carries_the_name_of_its_queue_and_nothing_else(bell, valkey):
    bell.ring("retinopathy")
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        message = json.loads(client.lindex("overread:retinopathy", 0))
    assert message["headers"]["argsrepr"] == "('retinopathy',)" and message["headers"]["kwargsrepr"] == "{}"


def test_a_bell_rings_on_after_its_broker_was_wiped(bell, valkey):
    bell.ring("retinopathy")
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    bell.ring("retinopathy")
    assert bell.waiting("retinopathy") == 1


def test_a_broker_that_is_away_holds_nobody_up_and_raises_nothing():
    bell = CeleryBell(make_app(Settings(broker_url=f"redis://127.0.0.1:{free_port()}/0")))
    began = time.monotonic()
    bell.ring("retinopathy")
    assert bell.waiting("retinopathy") is None and time.monotonic() - began < 10  # a tenth of a second, alone


def test_without_a_broker_the_bell_is_silent(tmp_path: Path):
    assert isinstance(open_bell(Settings(data_dir=tmp_path, broker_url=None)), SilentBell)
