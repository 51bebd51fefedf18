"""Percentiles by nearest rank: a percentile is always one of the values.

The p-th percentile is the smallest value such that at least p percent of all values do not
exceed it (Hyndman and Fan 1996, definition 1). If each value is right to some part of itself, so is the
percentile: that is how calls that were merged come in, see :mod:`nutrace.sketch`.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from operator import itemgetter
from typing import Iterable, List, Sequence, Tuple


def percentile(values: Iterable[int], percent: float) -> int:
    """A percentile of values that occur once each; 0 without values."""
    return weighted_percentiles([(value, 1) for value in values], (percent,))[0]


def weighted_percentiles(values: Iterable[Tuple[float, int]], percents: Sequence[float]) -> List[int]:
    """Percentiles of values that are given as (value, how often it occurs); zeros without values."""
    ordered = sorted(values, key=itemgetter(0))
    if not ordered:
        return [0] * len(percents)
    seen = list(accumulate(often for _, often in ordered))
    results = []
    for percent in percents:
        at = bisect_left(seen, seen[-1] * percent / 100)
        while at + 1 < len(ordered) and not ordered[at][1]:
            at += 1
        results.append(round(ordered[min(at, len(ordered) - 1)][0]))
    return results
