"""Counts for Prometheus: those of now, and of a moment ago where counting takes long."""

from __future__ import annotations

import pytest

from services.api import metrics
from services.api.metrics import Metrics
from services.store.stores import Store
from tests.services.store.world import receive

ONE = 'overread_studies{state="receiving"} 1.0'


@pytest.fixture
def watching(store: Store) -> Metrics:
    """The figures of a system without studies, scraped once."""
    figures = Metrics()
    figures.watch(store)
    figures.exposition()
    return figures


def test_a_scrape_counts_anew_where_counting_is_quick(store: Store, watching: Metrics) -> None:
    receive(store)
    assert ONE in watching.exposition().decode()


def test_a_scrape_tells_the_counts_of_a_moment_ago_where_counting_takes_long(
    store: Store, watching: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "QUICK_SECONDS", 0.0)
    monkeypatch.setattr(metrics, "COUNTING_SHARE", 1e-9)
    watching.exposition()
    receive(store)
    assert ONE not in watching.exposition().decode()
