"""A lane for each process and thread that simulated: what it did from the run's start to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.evaluation.lane import Drawing, Lane, cpu_ns
from nutrace.analysis.evaluation.pieces import Doing, Interval
from nutrace.analysis.evaluation.processes import (
    driver_of,
    first_seen,
    is_ray_worker,
    last_seen,
    processors_of,
    program_of,
)
from nutrace.analysis.evaluation.rounds import (
    Round,
    driving_thread,
    handing_out,
    outside,
    rounds_of,
    scenarios_by_thread,
)
from nutrace.analysis.evaluation.serial import SerialPart, serial_parts
from nutrace.analysis.evaluation.worker_names import Worker
from nutrace.trace import Trace

#: How scenarios were spread: one after the other in the driver, over its threads, over processes.
SEQUENTIAL, THREADS, PROCESSES = "sequential", "threads", "processes"


@dataclass(frozen=True)
class Lanes:
    """The lanes of a run.

    Attributes
    ----------
    begin_ns, end_ns:
        The run: from the driver's start, or its first span if that is unknown, to the last span's end.
    kind:
        :data:`SEQUENTIAL`, :data:`THREADS` or :data:`PROCESSES`.
    driver:
        The lane of the thread that hands out scenarios; one of the workers in a sequential run.
    workers:
        The lanes that simulated scenarios, by their first, and Ray's workers that never got one.
    rounds:
        The times in which scenarios were handed out and simulated; most runs have one.
    serial:
        What the driver did around the rounds, the longest first.
    spans_ns:
        For each scenario, by its number, when it began and ended.
    others:
        Process id and program of the processes that neither drove nor simulated.
    processors:
        Those that the workers may use; None if the run does not say.
    cores_used:
        Mean number of processors that the workers' processes used while scenarios were simulated; None if the
        run does not have their processor time.
    """

    begin_ns: int
    end_ns: int
    kind: str
    driver: Lane
    workers: Tuple[Lane, ...]
    rounds: Tuple[Round, ...]
    serial: Tuple[SerialPart, ...]
    spans_ns: Dict[int, Interval]
    others: Tuple[Tuple[int, str], ...]
    processors: Optional[int]
    cores_used: Optional[float]

    @property
    def wall_ns(self) -> int:
        """The time of the run, and of each lane."""
        return self.end_ns - self.begin_ns

    @property
    def serial_ns(self) -> int:
        """The time outside of the rounds."""
        return self.wall_ns - self.rounds_ns

    @property
    def rounds_ns(self) -> int:
        """The time in which scenarios were handed out and simulated."""
        return sum(each.end_ns - each.start_ns for each in self.rounds)

    @property
    def at_once(self) -> int:
        """How many workers there were at a time, at most: one that was killed and its successor are one."""
        edges = []
        for lane in self.workers:
            if lane.scenarios:
                first, last = self.spans_ns[lane.scenarios[0]][0], self.spans_ns[lane.scenarios[-1]][1]
                there = (piece.start_ns for piece in lane.pieces if piece.doing is not Doing.ABSENT)
                born = next(there, first)  # in a run of no time there is no piece
                handed_out = max(each.start_ns for each in self.rounds if each.start_ns <= first)
                edges += [(min(max(born, handed_out), first), 1), (max(last, first), -1)]
        count = most = 0
        for _, change in sorted(edges):
            count += change
            most = max(most, count)
        return max(most, 1)

    @property
    def busy_lanes(self) -> float:
        """The mean number of lanes that were in a scenario during the rounds."""
        return sum(lane.spent_ns(Doing.BUSY) for lane in self.workers) / max(self.rounds_ns, 1)


def lanes_of(trace: Trace) -> Optional[Lanes]:
    """The lanes of a whole trace; None if it has no scenario."""
    spans_ns, of_lane = scenarios_by_thread(trace)
    if not spans_ns:
        return None
    began, ended = first_seen(trace), last_seen(trace)
    driving = driver_of(trace)
    rounds = rounds_of(handing_out(trace, driving, spans_ns), spans_ns)
    driver = driving_thread(trace, driving)
    begin = min(trace.begin_ns, began[driving])
    drawing = Drawing(trace, spans_ns, rounds, driver, began, ended, begin)
    workers = [drawing.lane(key, numbers) for key, numbers in of_lane.items()]
    workers += [drawing.lane(key, []) for key in _without_work(trace, of_lane)]
    own = next((lane for lane in workers if lane.is_driver), None) or drawing.lane(driver, [])
    used = sorted({lane.resource for lane in workers})
    around = outside(rounds, begin, trace.finish_ns)
    return Lanes(
        begin_ns=begin,
        end_ns=trace.finish_ns,
        kind=_kind(list(of_lane), driver),
        driver=own,
        workers=tuple(workers),
        rounds=rounds,
        serial=serial_parts(trace, driver, around),
        spans_ns=spans_ns,
        others=tuple(
            (resource.pid or 0, program_of(resource))
            for index, resource in enumerate(trace.resources)
            if index not in used and index != driving
        ),
        processors=processors_of(trace, used),
        cores_used=_cores_used(trace, of_lane, rounds),
    )


def _without_work(trace: Trace, of_lane: Dict[Worker, List[int]]) -> List[Worker]:
    """The first thread of each of Ray's workers that simulated nothing."""
    working = {resource for resource, _ in of_lane}
    idle: Dict[int, Worker] = {}
    for thread in trace.threads:
        if thread.resource not in working and is_ray_worker(trace.resources[thread.resource]):
            idle.setdefault(thread.resource, Worker(thread.resource, thread.thread_id))
    return list(idle.values())


def _kind(lanes: List[Worker], driver: Worker) -> str:
    if lanes == [driver]:
        return SEQUENTIAL
    return THREADS if {resource for resource, _ in lanes} == {driver[0]} else PROCESSES


def _cores_used(trace: Trace, of_lane: Dict[Worker, List[int]], rounds: Sequence[Round]) -> Optional[float]:
    readings: Dict[int, List[int]] = {}
    for (resource, _), numbers in of_lane.items():
        for each in numbers:
            span = trace.addresses.by_number[each].span
            for key in (semconv.CPU_PROCESS_START, semconv.CPU_PROCESS):
                used = None if span is None else cpu_ns(trace, span, key)
                if used is not None:
                    readings.setdefault(resource, []).append(used)
    if len(readings) < len({resource for resource, _ in of_lane}):
        return None
    spent = sum(max(each) - min(each) for each in readings.values())
    return spent / max(sum(each.end_ns - each.start_ns for each in rounds), 1)
