"""How far the figures of today lie from those of a reference, and how far chance alone would put them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import inf, log, nextafter, sqrt
from statistics import quantiles
from typing import Final

#: Bins of equal count in the reference; fewer where its values repeat.
BINS: Final = 10
#: What an empty bin counts as (Jeffreys' prior): the logarithm of nothing is not a figure.
PRIOR: Final = 0.5
#: One-sided 99.9 % of the normal distribution.
NORMAL_999: Final = 3.090232


def edges_of(values: Sequence[float]) -> tuple[float, ...]:
    """The upper edges of all bins but the last, each bin with an equal share of the values; () for fewer than two.

    Where the least value fills a bin alone there is an empty bin below it, or smaller values would go unseen.
    """
    if len(values) < 2:
        return ()
    edges = sorted(set(quantiles(values, n=BINS, method="inclusive")))
    least = min(values)
    return (nextafter(least, -inf), *edges) if edges[0] == least else tuple(edges)


def binned(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """How many values lie in each bin; a value on an edge lies below it."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[bisect_left(edges, value)] += 1
    return counts


def stability_index(reference: Sequence[int], now: Sequence[int]) -> float | None:
    """The population stability index of two tables of counts over the same bins; None where either is empty.

    Sum over bins of (q - p) ln(q / p), the symmetric divergence of Kullback and Leibler. Below 0.1 nothing changed,
    above 0.25 much did (Siddiqi, Credit Risk Scorecards, 2006).
    """
    if not sum(reference) or not sum(now):
        return None
    before, after = _shares(reference), _shares(now)
    return sum((q - p) * log(q / p) for p, q in zip(before, after, strict=True))


def chance_index(bins: int, reference: int, now: int) -> float:
    """The index that two samples of these sizes from one population exceed once in a thousand times.

    The index over (1 / n + 1 / m) is chi-squared with `bins` - 1 degrees of freedom (Yurdakul and Naranjo, J. Risk
    Model Validation 2020;14(3)); its quantile by Wilson and Hilferty (PNAS 1931;17:684).
    """
    free = max(bins - 1, 1)
    part = 2 / (9 * free)
    quantile = free * (1 - part + NORMAL_999 * sqrt(part)) ** 3
    return float(quantile * (1 / reference + 1 / now))


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts) + PRIOR * len(counts)
    return [(count + PRIOR) / whole for count in counts]
