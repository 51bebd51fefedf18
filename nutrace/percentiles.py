"""Percentiles by nearest rank: a percentile is always one of the values.

The p-th percentile is the smallest value such that at least p percent of all values do not
exceed it (Hyndman and Fan 1996, definition 1). If each value is right to some part of itself, so is the
percentile: that is how calls that were merged come in, see :mod:`nutrace.sketch`.
"""

from __future__ import annotations

from typing import Iterable, List, Sequence, Tuple


def percentile(values: Iterable[int], percent: float) -> int:
    """A percentile of values that occur once each; 0 without values."""
    return weighted_percentiles([(value, 1) for value in values], (percent,))[0]


def weighted_percentiles(values: Iterable[Tuple[float, int]], percents: Sequence[float]) -> List[int]:
    """Percentiles of values that are given as (value, how often it occurs); zeros without values."""
    ordered = sorted(values)
    weight = sum(often for _, often in ordered)
    results = []
    for percent in percents:
        need, seen, result = weight * percent / 100, 0, 0.0
        for value, often in ordered:
            seen += often
            result = value
            if seen >= need and often:
                break
        results.append(round(result))
    return results
