"""A lane for each process and thread that simulated: what it did from the run's start to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.evaluation.pieces import Doing, Interval, Piece, Timeline, start_up, union
from nutrace.analysis.evaluation.processes import (
    driver_of,
    first_seen,
    is_ray_worker,
    last_seen,
    processors_of,
    program_of,
)
from nutrace.analysis.evaluation.serial import SerialPart, serial_parts
from nutrace.analysis.evaluation.worker_names import Worker, worker_names
from nutrace.trace import Scenario, Trace
from nutrace.trace.addresses import CUT_SHORT

#: How scenarios were spread: one after the other in the driver, over its threads, over processes.
SEQUENTIAL, THREADS, PROCESSES = "sequential", "threads", "processes"

_HANDING_OUT = ("simulation.execute_runners", "worker.map")  # the first that a run has
#: A process whose last span ended so long before the end of a run that was cut short itself had ended.
_SILENT_NS = 5 * 10**9

_Key = Tuple[int, int]  # process and thread


@dataclass(frozen=True)
class Lane:
    """What one thread of a process did.

    Attributes
    ----------
    resource, thread_id:
        Index into :attr:`Trace.resources`, and the thread's id.
    name:
        What it is called; see :mod:`nutrace.analysis.evaluation.worker_names`.
    process, host, thread:
        The process id, 0 if unknown; host and thread by their names, or "".
    is_driver:
        Whether the thread is the one that hands out the scenarios.
    scenarios:
        The numbers of those that it simulated, by their start.
    pieces:
        What it did, without a gap: their times add up to the run's.
    ended_in:
        The number of the scenario in which its process ended, 0 if it did not.
    """

    resource: int
    thread_id: int
    name: str
    process: int
    host: str
    thread: str
    is_driver: bool
    scenarios: Tuple[int, ...]
    pieces: Tuple[Piece, ...]
    ended_in: int = 0

    def spent_ns(self, *doing: Doing) -> int:
        """The time that it did one of these, in ns."""
        return sum(piece.end_ns - piece.start_ns for piece in self.pieces if piece.doing in doing)


@dataclass(frozen=True)
class Round:
    """Scenarios that the driver handed out at once: when it began to, when the last of them ended."""

    start_ns: int
    end_ns: int
    scenarios: Tuple[int, ...]


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
    def busy_lanes(self) -> float:
        """The mean number of lanes that were in a scenario during the rounds."""
        return sum(lane.spent_ns(Doing.BUSY) for lane in self.workers) / max(self.rounds_ns, 1)


def lanes_of(trace: Trace) -> Optional[Lanes]:
    """The lanes of a whole trace; None if it has no scenario."""
    spans_ns, of_lane = _scenarios(trace)
    if not spans_ns:
        return None
    began, ended = first_seen(trace), last_seen(trace)
    driving = driver_of(trace)
    handing_out = _handing_out(trace, driving, spans_ns)
    rounds = _rounds(handing_out, spans_ns)
    driver = _driver(trace, driving, of_lane)
    begin = min(trace.begin_ns, began[driving])
    drawing = _Drawing(trace, spans_ns, rounds, driver, began, ended, begin)
    workers = [drawing.lane(key, numbers) for key, numbers in of_lane.items()]
    workers += [drawing.lane(key, []) for key in _without_work(trace, of_lane)]
    own = next((lane for lane in workers if lane.is_driver), None) or drawing.lane(driver, [])
    used = sorted({lane.resource for lane in workers})
    around = _outside(rounds, begin, trace.finish_ns)
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


class _Drawing:
    """Makes the lanes of one run."""

    def __init__(
        self,
        trace: Trace,
        spans_ns: Dict[int, Interval],
        rounds: Tuple[Round, ...],
        driver: _Key,
        began: Sequence[int],
        ended: Sequence[int],
        begin_ns: int,
    ) -> None:
        self._trace = trace
        self._spans_ns = spans_ns
        self._rounds = rounds
        self._driver = driver
        self._began = began
        self._ended = ended
        self._begin_ns = begin_ns
        self._called = worker_names(trace)
        self._names = {(key.resource, key.thread_id): key.name for key in reversed(trace.threads)}
        self._by_thread: Dict[_Key, List[Interval]] = {}
        for span in range(len(trace)):
            if not trace.nested(span):
                thread = trace.threads[trace.thread[span]]
                lane = self._by_thread.setdefault((thread.resource, thread.thread_id), [])
                lane.append((trace.start_ns[span], trace.end_ns[span]))

    def lane(self, key: _Key, scenarios: List[int]) -> Lane:
        """The lane of a thread that simulated these scenarios."""
        trace, (resource, thread) = self._trace, key
        ended_in = self._ended_in(resource, scenarios)
        says = trace.resources[resource]
        return Lane(
            resource=resource,
            thread_id=thread,
            name=self._called.get(Worker(*key)) or (str(says.pid) if says.pid else f"process {resource}"),
            process=says.pid or 0,
            host=str(says.attributes.get(semconv.HOST_NAME, "")),
            thread=self._names.get(key, ""),
            is_driver=key == self._driver,
            scenarios=tuple(scenarios),
            pieces=self._pieces(key, scenarios, ended_in),
            ended_in=ended_in,
        )

    def _pieces(self, key: _Key, scenarios: List[int], ended_in: int) -> Tuple[Piece, ...]:
        line = Timeline(self._begin_ns, self._trace.finish_ns)
        if key == self._driver and not scenarios:
            for each in self._rounds:
                line.until(each.start_ns, Doing.DRIVING)
                line.until(each.end_ns, Doing.WAITING)
            return line.finish(Doing.DRIVING)
        self._begin(line, key, scenarios)
        for number_, (start, end) in ((each, self._spans_ns[each]) for each in scenarios):
            line.until(start, Doing.WAITING)
            line.until(end, Doing.BUSY, number_)
        if ended_in:
            return line.finish(Doing.ABSENT)
        if key == self._driver:
            line.until(self._rounds[-1].end_ns, Doing.IDLE)
            return line.finish(Doing.DRIVING)
        return line.finish(Doing.IDLE)

    def _begin(self, line: Timeline, key: _Key, scenarios: List[int]) -> None:
        """What it did before its first scenario; without one, until the scenarios were handed out."""
        resource, _ = key
        handed_out = self._rounds[0].start_ns
        first = self._spans_ns[scenarios[0]][0] if scenarios else handed_out
        for each in self._rounds:
            if each.start_ns <= first:
                handed_out = each.start_ns
        if key == self._driver:
            line.until(first, Doing.STARTUP)
        elif resource == self._driver[0]:  # a thread of the pool
            line.until(handed_out, Doing.ABSENT)
            line.until(first, Doing.STARTUP)
        else:
            line.until(self._began[resource], Doing.ABSENT)
            covered = union(each for each in self._by_thread.get(key, ()) if each[0] < first)
            start_up(line, first, handed_out, self._began[resource], covered, self._used(scenarios))

    def _used(self, scenarios: List[int]) -> Optional[int]:
        """Processor time of the process until the first of its scenarios began."""
        span = self._trace.scenarios[scenarios[0] - 1].span if scenarios else None
        return None if span is None else _cpu(self._trace, span, semconv.CPU_PROCESS_START)

    def _ended_in(self, resource: int, scenarios: List[int]) -> int:
        """The scenario in which the process ended while the run went on, or 0."""
        trace = self._trace
        cut = [each for each in scenarios if trace.scenarios[each - 1].outcome == CUT_SHORT]
        if not cut or trace.diagnostics.running or resource == self._driver[0]:
            return 0
        last = self._spans_ns[cut[-1]][1]
        driver_ended = trace.resources[self._driver[0]].attributes.get(semconv.RUN_COMPLETE) is True
        silent = trace.finish_ns - self._ended[resource] > _SILENT_NS
        return cut[-1] if self._ended[resource] <= last and (driver_ended or silent) else 0


def _scenarios(trace: Trace) -> Tuple[Dict[int, Interval], Dict[_Key, List[int]]]:
    """When each scenario ran, and those of each thread, by their start."""
    spans_ns: Dict[int, Interval] = {}
    of_lane: Dict[_Key, List[int]] = {}
    for scenario in trace.scenarios:
        around = _spans(scenario)
        if around:
            spans_ns[scenario.number] = trace.start_ns[around[0]], max(trace.end_ns[each] for each in around)
            thread = trace.threads[trace.thread[around[0]]]
            of_lane.setdefault((thread.resource, thread.thread_id), []).append(scenario.number)
    return spans_ns, of_lane


def _spans(scenario: Scenario) -> Sequence[int]:
    return scenario.steps if scenario.span is None else (scenario.span,)


def _handing_out(trace: Trace, driving: int, spans_ns: Dict[int, Interval]) -> List[Interval]:
    """When the driver handed out scenarios: its spans in which some of them began."""
    starts = sorted(start for start, _ in spans_ns.values())
    for wanted in _HANDING_OUT:
        spans = [
            (trace.start_ns[span], trace.end_ns[span])
            for span, name in enumerate(trace.name)
            if name == wanted and trace.threads[trace.thread[span]].resource == driving
        ]
        spans = [each for each in union(spans) if any(each[0] <= start < each[1] for start in starts)]
        if spans and all(any(begin <= start < end for begin, end in spans) for start in starts):
            return spans
    return [(starts[0], max(end for _, end in spans_ns.values()))]


def _rounds(handing_out: List[Interval], spans_ns: Dict[int, Interval]) -> Tuple[Round, ...]:
    rounds = []
    for start, end in handing_out:
        numbers = [each for each, (begun, _) in spans_ns.items() if start <= begun <= end]
        rounds.append(Round(start, max(spans_ns[each][1] for each in numbers), tuple(numbers)))
    return tuple(rounds)


def _driver(trace: Trace, driving: int, of_lane: Dict[_Key, List[int]]) -> _Key:
    """The thread that hands out scenarios, or else the one of the process's first span."""
    first: Optional[_Key] = None
    for span, name in enumerate(trace.name):
        thread = trace.threads[trace.thread[span]]
        if thread.resource != driving:
            continue
        if name in _HANDING_OUT:
            return thread.resource, thread.thread_id
        first = first or (thread.resource, thread.thread_id)
    return first or next(iter(of_lane))


def _without_work(trace: Trace, of_lane: Dict[_Key, List[int]]) -> List[_Key]:
    """The first thread of each of Ray's workers that simulated nothing."""
    working = {resource for resource, _ in of_lane}
    idle: Dict[int, _Key] = {}
    for thread in trace.threads:
        if thread.resource not in working and is_ray_worker(trace.resources[thread.resource]):
            idle.setdefault(thread.resource, (thread.resource, thread.thread_id))
    return list(idle.values())


def _kind(lanes: List[_Key], driver: _Key) -> str:
    if lanes == [driver]:
        return SEQUENTIAL
    return THREADS if {resource for resource, _ in lanes} == {driver[0]} else PROCESSES


def _outside(rounds: Sequence[Round], begin_ns: int, end_ns: int) -> List[Interval]:
    edges = [begin_ns, *(edge for each in rounds for edge in (each.start_ns, each.end_ns)), end_ns]
    return list(zip(edges[::2], edges[1::2]))


def _cores_used(trace: Trace, of_lane: Dict[_Key, List[int]], rounds: Sequence[Round]) -> Optional[float]:
    readings: Dict[int, List[int]] = {}
    for (resource, _), numbers in of_lane.items():
        for each in numbers:
            span = trace.scenarios[each - 1].span
            for key in (semconv.CPU_PROCESS_START, semconv.CPU_PROCESS):
                used = None if span is None else _cpu(trace, span, key)
                if used is not None:
                    readings.setdefault(resource, []).append(used)
    if len(readings) < len({resource for resource, _ in of_lane}):
        return None
    spent = sum(max(each) - min(each) for each in readings.values())
    return spent / max(sum(each.end_ns - each.start_ns for each in rounds), 1)


def _cpu(trace: Trace, span: int, key: str) -> Optional[int]:
    return number(trace.attributes(span), key) or None
