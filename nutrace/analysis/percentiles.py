"""Percentiles by nearest rank: a percentile is always one of the values.

The p-th percentile is the smallest value such that at least p percent of all values do not
exceed it (Hyndman and Fan 1996, definition 1).
"""

from __future__ import annotations

from typing import Iterable, List, Sequence, Tuple


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
