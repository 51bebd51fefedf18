"""How long the steps of a simulation take, compared with the time that they simulate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

from nutrace.analysis.regions import Regions
from nutrace.percentiles import weighted_percentiles
from nutrace.trace import Trace
from nutrace.trace.real_time import real_time


@dataclass(frozen=True)
class StepTimes:
    """Durations of the finished steps of all simulations in a trace.

    ``realtime_factor`` is the time of the steps divided by the time that they simulate: 1.74 is slower than
    real time, 1.0 keeps up on average; ``over_real_time`` is how many steps took longer than the time that
    they simulate. Both are None, like ``simulated_interval_s``, if the trace does not have the latter.
    Percentiles are by nearest rank.
    """

    count: int
    unfinished: int
    total_ns: int
    mean_ns: float
    p50_ns: int
    p95_ns: int
    p99_ns: int
    max_ns: int
    simulated_interval_s: Optional[float]
    realtime_factor: Optional[float]
    over_real_time: Optional[int]


def step_times(trace: Trace, regions: Regions) -> StepTimes:
    """The durations of the finished steps."""
    return times_of_steps(trace, regions.steps, regions.unfinished_steps)


def times_of_steps(trace: Trace, steps: Sequence[int], unfinished: int) -> StepTimes:
    """The durations of some finished steps; `unfinished` is how many others there are."""
    times = [trace.busy_ns[span] for span in steps]
    p50, p95, p99 = weighted_percentiles([(time, 1) for time in times], (50, 95, 99))
    beside = real_time(trace, steps)
    return StepTimes(
        count=len(times),
        unfinished=unfinished,
        total_ns=sum(times),
        mean_ns=sum(times) / len(times) if times else 0.0,
        p50_ns=p50,
        p95_ns=p95,
        p99_ns=p99,
        max_ns=max(times, default=0),
        simulated_interval_s=beside.interval_s if beside else None,
        realtime_factor=beside.factor if beside else None,
        over_real_time=beside.over if beside else None,
    )
