"""Resident memory: what scenarios leave behind in their process, and the peak."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.trace import Trace

# Growth is stated as such if it is steady: from this many scenarios on, of this size, and when the line that
# was laid through the readings rises by several times their distance from it.
_FEWEST = 3
_SMALLEST_GROWTH = 1 << 20
_ABOVE_NOISE = 3


@dataclass(frozen=True)
class Growth:
    """How the memory of one process grew while it simulated with one planner.

    Attributes
    ----------
    pid, planner:
        The process, 0 if unknown; the planner's name, "" if unknown.
    scenarios:
        The number of readings: one at the end of each scenario.
    first_start, first_end, last_start, last_end:
        Bytes at the start and the end of the first and of the last scenario.
    per_scenario:
        Bytes a scenario: the slope of a straight line through the readings (least squares). If the process
        ran several planners, the mean difference between end and start of this planner's scenarios, without
        the first of the process, which loads what all use. ``None`` with one scenario, and if several
        planners ran at the same time.
    steady:
        Whether the growth is too large and too regular for chance.
    """

    pid: int
    planner: str
    scenarios: int
    first_start: int
    first_end: int
    last_start: int
    last_end: int
    per_scenario: Optional[float]
    steady: bool


@dataclass(frozen=True)
class Memory:
    """The memory of a run.

    ``peak`` is the largest peak of a process in bytes, with what nutrace itself used; ``gpu_peak`` the most
    that torch had on GPUs at the end of a step or scenario, ``None`` without. ``growth`` begins with the
    largest.
    """

    peak: int
    gpu_peak: Optional[int]
    growth: Tuple[Growth, ...]


@dataclass(frozen=True)
class _Scenario:
    begin_ns: int
    end_ns: int
    planner: str
    start: int
    end: int


def memory(trace: Trace) -> Optional[Memory]:
    """The memory of a run; ``None`` if it was not recorded."""
    peaks, gpu = [number(each.attributes, semconv.MEMORY_PEAK) for each in trace.resources], 0
    scenarios: Dict[int, List[_Scenario]] = {}
    for span, name in enumerate(trace.name):
        if name not in (semconv.RUN_SPAN, semconv.STEP_SPAN):
            continue
        attributes = trace.attributes(span)
        resident = number(attributes, semconv.MEMORY)
        peaks.append(resident)
        gpu = max(gpu, number(attributes, semconv.MEMORY_GPU))
        if name == semconv.RUN_SPAN and resident:
            scenarios.setdefault(trace.threads[trace.thread[span]].resource, []).append(
                _Scenario(
                    begin_ns=trace.start_ns[span],
                    end_ns=trace.end_ns[span],
                    planner=text(attributes, semconv.PLANNER_NAME),
                    start=number(attributes, semconv.MEMORY_START),
                    end=resident,
                )
            )
    peak = max(peaks, default=0)
    if not peak:
        return None
    growth = [
        each
        for resource, of_process in scenarios.items()
        for each in _growth(trace.resources[resource].pid or 0, of_process)
    ]
    growth.sort(key=lambda each: (-(each.per_scenario or 0), each.pid, each.planner))
    return Memory(peak, gpu or None, tuple(growth))


def _growth(pid: int, scenarios: List[_Scenario]) -> List[Growth]:
    scenarios.sort(key=lambda each: each.end_ns)
    by_planner: Dict[str, List[_Scenario]] = {}
    for scenario in scenarios:
        by_planner.setdefault(scenario.planner, []).append(scenario)
    if len(by_planner) == 1:
        slope, steady = _slope([each.end for each in scenarios])
        return [_of(pid, scenarios, slope, steady)]
    in_turn = all(one.end_ns <= other.begin_ns for one, other in zip(scenarios, scenarios[1:]))
    grown = []
    for own in by_planner.values():
        gains = [each.end - each.start for each in own if each is not scenarios[0]]
        mean = sum(gains) / len(gains) if gains and in_turn else None
        # Gains as the readings of a memory that holds nothing else.
        total = [sum(gains[: count + 1]) for count in range(len(gains))]
        grown.append(_of(pid, own, mean, mean is not None and _slope(total)[1]))
    return grown


def _of(pid: int, scenarios: Sequence[_Scenario], slope: Optional[float], steady: bool) -> Growth:
    first, last = scenarios[0], scenarios[-1]
    return Growth(
        pid, first.planner, len(scenarios), first.start, first.end, last.start, last.end, slope, steady
    )


def _slope(readings: Sequence[int]) -> Tuple[Optional[float], bool]:
    """Bytes a reading, by least squares, and whether that is growth."""
    count = len(readings)
    if count < 2:
        return None, False
    middle, mean = (count - 1) / 2, sum(readings) / count
    spread = sum((place - middle) ** 2 for place in range(count))
    slope = sum((place - middle) * (each - mean) for place, each in enumerate(readings)) / spread
    distances = [each - mean - slope * (place - middle) for place, each in enumerate(readings)]
    noise = sqrt(sum(distance**2 for distance in distances) / count)
    steady = count >= _FEWEST and slope >= _SMALLEST_GROWTH and slope * (count - 1) >= _ABOVE_NOISE * noise
    return slope, steady
