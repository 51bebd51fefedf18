"""Resident memory: what scenarios leave behind in their process, and the peak."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.trace import Trace

# Growth is stated as such if it is steady: from this many scenarios on, of this size, and when the line that
# was laid through the readings rises by several times their distance from it.
_FEWEST = 3
_SMALLEST_GROWTH = 1 << 20
_ABOVE_NOISE = 3
_MOST_READINGS = 400  # that a line is laid through: all pairs of them are compared


@dataclass(frozen=True)
class Growth:
    """How the memory of one process grew while it simulated with one planner.

    Attributes
    ----------
    pid, planner:
        The process, 0 if unknown; the planner's name, "" if unknown.
    resource:
        The process's index in :attr:`nutrace.trace.Trace.resources`.
    scenarios:
        The number of readings: one at the end of each scenario.
    first_start, first_end, last_start, last_end:
        Bytes at the start and the end of the first and of the last scenario.
    per_scenario:
        Bytes a scenario: the slope of a straight line through the readings. It is the median of the slopes
        between any two of them (Theil and Sen), so that what the first scenarios load, which later ones use
        as well, does not count as growth. If the process ran several planners, the mean difference between
        end and start of this planner's scenarios, without the first of the process, which loads what all
        use. ``None`` with one scenario, and if several planners ran at the same time.
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
    resource: int = 0


@dataclass(frozen=True)
class Memory:
    """The memory of a run.

    ``peak`` is the largest peak of a process in bytes, with what nutrace itself used; ``gpu_peak`` the most
    that torch had on GPUs at the end of a step or scenario, ``None`` without. ``growth`` begins with the
    largest that is steady.
    """

    peak: int
    gpu_peak: Optional[int]
    growth: Tuple[Growth, ...]


@dataclass(frozen=True)
class ScenarioMemory:
    """What was read of the memory of the process that simulated a scenario, in bytes; 0 where it was not.

    Attributes
    ----------
    number:
        The scenario's number.
    resource:
        The process, an index into :attr:`nutrace.trace.Trace.resources`.
    begin_ns, end_ns, planner:
        As the scenario's span has them.
    start, end:
        Resident when it began and when it ended.
    in_steps:
        Spans of steps, each with what was resident at its end. It is read ten times a second at most.
    peak:
        The most that was read until the scenario ended: the kernel's peak of the process, if the file has it.
    """

    number: int
    resource: int
    begin_ns: int
    end_ns: int
    planner: str
    start: int
    end: int
    in_steps: Tuple[Tuple[int, int], ...]
    peak: int

    @property
    def last(self) -> int:
        """The last reading: of a scenario that did not end, the one before its process was killed."""
        return self.end or (self.in_steps[-1][1] if self.in_steps else self.start)


@dataclass(frozen=True)
class Readings:
    """All readings of memory in a trace.

    Attributes
    ----------
    scenarios:
        In the order of their numbers.
    peaks:
        Of each process that has a reading, the most that it had resident, as far as that was read.
    by_kernel:
        The processes of which the file has the kernel's peak. The true peak of others may be higher.
    gpu:
        The most that torch had on GPUs, 0 if unknown.
    """

    scenarios: Tuple[ScenarioMemory, ...]
    peaks: Mapping[int, int]
    by_kernel: FrozenSet[int]
    gpu: int


def readings(trace: Trace) -> Readings:
    """What a trace tells about the memory of its processes."""
    peaks: Dict[int, int] = {}
    by_kernel: Set[int] = set()
    scenarios: List[ScenarioMemory] = []
    gpu = 0

    def read(span: int) -> Tuple[Mapping[str, Any], int, int]:
        nonlocal gpu
        attributes = trace.attributes(span)
        resident, process = number(attributes, semconv.MEMORY), trace.threads[trace.thread[span]].resource
        peak = number(attributes, semconv.MEMORY_PEAK)
        if peak:
            by_kernel.add(process)
        most = max(resident, number(attributes, semconv.MEMORY_START), peak)
        if most > peaks.get(process, 0):
            peaks[process] = most
        gpu = max(gpu, number(attributes, semconv.MEMORY_GPU))
        return attributes, resident, most

    for process, resource in enumerate(trace.resources):
        peak = number(resource.attributes, semconv.MEMORY_PEAK)
        if peak:
            peaks[process] = peak
            by_kernel.add(process)
    for scenario in trace.simulations:
        if scenario.span is None and not scenario.steps:
            continue  # a part of a trace that has only spans from inside of its steps
        steps = [(step, read(step)[1]) for step in scenario.steps]
        in_steps = tuple((step, resident) for step, resident in steps if resident)
        around = scenario.steps[0] if scenario.span is None else scenario.span
        says, end, most = read(around)
        scenarios.append(
            ScenarioMemory(
                number=scenario.number,
                resource=trace.threads[trace.thread[around]].resource,
                begin_ns=trace.start_ns[around],
                end_ns=trace.end_ns[around],
                planner=text(says, semconv.PLANNER_NAME),
                start=number(says, semconv.MEMORY_START),
                end=0 if scenario.span is None else end,
                in_steps=in_steps,
                peak=max([most, *(resident for _, resident in in_steps)]),
            )
        )
    return Readings(tuple(scenarios), peaks, frozenset(by_kernel), gpu)


def memory(trace: Trace, found: Optional[Readings] = None) -> Optional[Memory]:
    """The memory of a run; ``None`` if it was not recorded. `found` is :func:`readings` of it, if known."""
    found = readings(trace) if found is None else found
    peak = max(found.peaks.values(), default=0)
    if not peak:
        return None
    ended: Dict[int, List[ScenarioMemory]] = {}
    for scenario in found.scenarios:
        if scenario.end:
            ended.setdefault(scenario.resource, []).append(scenario)
    growth = [
        each
        for resource, of_process in ended.items()
        for each in _growth(trace.resources[resource].pid or 0, of_process)
    ]
    growth.sort(key=lambda each: (not each.steady, -(each.per_scenario or 0), each.pid, each.planner))
    return Memory(peak, found.gpu or None, tuple(growth))


def _growth(pid: int, scenarios: List[ScenarioMemory]) -> List[Growth]:
    scenarios.sort(key=lambda each: each.end_ns)
    by_planner: Dict[str, List[ScenarioMemory]] = {}
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


def _of(pid: int, scenarios: Sequence[ScenarioMemory], slope: Optional[float], steady: bool) -> Growth:
    first, last = scenarios[0], scenarios[-1]
    return Growth(
        pid,
        first.planner,
        len(scenarios),
        first.start,
        first.end,
        last.start,
        last.end,
        slope,
        steady,
        first.resource,
    )


def _slope(readings: Sequence[int]) -> Tuple[Optional[float], bool]:
    """Bytes a reading, and whether that is growth.

    Source: H. Theil, "A rank-invariant method of linear and polynomial regression analysis", 1950; P. K. Sen,
    "Estimates of the regression coefficient based on Kendall's tau", 1968.
    """
    count = len(readings)
    if count < 2:
        return None, False
    places = range(0, count, -(-count // _MOST_READINGS))
    slopes = [
        (readings[other] - readings[one]) / (other - one)
        for at, one in enumerate(places)
        for other in places[at + 1 :]
    ]
    slope = median(slopes)
    level = median(reading - slope * place for place, reading in enumerate(readings))
    distances = [reading - level - slope * place for place, reading in enumerate(readings)]
    noise = sqrt(sum(distance**2 for distance in distances) / count)
    steady = count >= _FEWEST and slope >= _SMALLEST_GROWTH and slope * (count - 1) >= _ABOVE_NOISE * noise
    return slope, steady
