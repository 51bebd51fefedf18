"""The part of a time in which several scenarios ran at once that falls to each of them."""

from __future__ import annotations

from bisect import bisect_left
from typing import List, Tuple

from nutrace.analysis.evaluation.lanes import Lanes


class Shares:
    """What falls to a scenario of the time in which several ran, if they shared `processors` evenly."""

    def __init__(self, lanes: Lanes, processors: float) -> None:
        edges: List[Tuple[int, int]] = []
        for start, end in lanes.spans_ns.values():
            edges += [(start, 1), (end, -1)]
        edges.sort()
        self._at: List[int] = []
        self._done: List[float] = []  # what one that ran from the start would have done until then
        running, done, last = 0, 0.0, edges[0][0]
        for time, change in edges:
            done += (time - last) * min(1.0, processors / max(running, 1))
            self._at.append(time)
            self._done.append(done)
            running, last = running + change, time

    def of(self, start: int, end: int) -> float:
        """The share of a scenario."""
        return self._done[bisect_left(self._at, end)] - self._done[bisect_left(self._at, start)]
