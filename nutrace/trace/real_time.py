"""How much time steps simulate, and how long they take for it."""

from __future__ import annotations

from math import fsum
from typing import NamedTuple, Optional, Sequence

from nutrace import semconv
from nutrace.trace.bounds import INTERVALS_S
from nutrace.trace.trace import Trace


class RealTime(NamedTuple):
    """Steps beside real time.

    Attributes
    ----------
    interval_s:
        The seconds that a step simulates, on average.
    factor:
        The time of the steps divided by the time that they simulate: 1.74 is slower than real time, 1.0
        keeps up on average.
    over:
        How many of the steps took longer than the time that they simulate.
    """

    interval_s: float
    factor: float
    over: int


def simulated_interval_s(trace: Trace, step: int) -> Optional[float]:
    """The seconds that a step simulates; None if the span does not have them, or they make no sense."""
    interval = trace.attributes(step).get(semconv.STEP_INTERVAL_S)
    if not isinstance(interval, (int, float)) or isinstance(interval, bool):
        return None
    shortest, longest = INTERVALS_S
    return interval if shortest <= interval <= longest else None


def real_time(trace: Trace, steps: Sequence[int]) -> Optional[RealTime]:
    """The steps whose interval is known beside real time; None if that of no step is."""
    intervals, spent_ns, over = [], 0, 0
    for span in steps:
        interval = simulated_interval_s(trace, span)
        if interval is not None:
            intervals.append(interval)
            spent_ns += trace.busy_ns[span]
            over += trace.busy_ns[span] > interval * 1e9
    if not intervals:
        return None
    simulated = fsum(intervals)
    return RealTime(simulated / len(intervals), spent_ns / 1e9 / simulated, over)
