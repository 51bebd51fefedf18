"""What one thread of a process did, from the start of a run to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.evaluation.pieces import Doing, Interval, Piece, Timeline, start_up, union
from nutrace.analysis.evaluation.rounds import Round
from nutrace.analysis.evaluation.worker_names import Worker, thread_of, worker_names
from nutrace.trace import Trace
from nutrace.trace.addresses import CUT_SHORT

#: A process whose last span ended so long before the end of a run that was cut short itself had ended.
_SILENT_NS = 5 * 10**9


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


class Drawing:
    """Makes the lanes of one run."""

    def __init__(
        self,
        trace: Trace,
        spans_ns: Dict[int, Interval],
        rounds: Tuple[Round, ...],
        driver: Worker,
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
        self._by_thread: Dict[Worker, List[Interval]] = {}
        for span in range(len(trace)):
            if not trace.nested(span):
                lane = self._by_thread.setdefault(thread_of(trace, span), [])
                lane.append((trace.start_ns[span], trace.end_ns[span]))

    def lane(self, key: Worker, scenarios: List[int]) -> Lane:
        """The lane of a thread that simulated these scenarios."""
        trace, (resource, thread) = self._trace, key
        ended_in = self._ended_in(resource, scenarios)
        says = trace.resources[resource]
        return Lane(
            resource=resource,
            thread_id=thread,
            name=self._called.get(key) or (str(says.pid) if says.pid else f"process {resource}"),
            process=says.pid or 0,
            host=str(says.attributes.get(semconv.HOST_NAME, "")),
            thread=self._names.get(key, ""),
            is_driver=key == self._driver,
            scenarios=tuple(scenarios),
            pieces=self._pieces(key, scenarios, ended_in),
            ended_in=ended_in,
        )

    def _pieces(self, key: Worker, scenarios: List[int], ended_in: int) -> Tuple[Piece, ...]:
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

    def _begin(self, line: Timeline, key: Worker, scenarios: List[int]) -> None:
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
        span = self._trace.addresses.by_number[scenarios[0]].span if scenarios else None
        return None if span is None else cpu_ns(self._trace, span, semconv.CPU_PROCESS_START)

    def _ended_in(self, resource: int, scenarios: List[int]) -> int:
        """The scenario in which the process ended while the run went on, or 0."""
        trace = self._trace
        cut = [each for each in scenarios if trace.addresses.by_number[each].outcome == CUT_SHORT]
        if not cut or trace.diagnostics.running or resource == self._driver[0]:
            return 0
        last = self._spans_ns[cut[-1]][1]
        driver_ended = trace.resources[self._driver[0]].attributes.get(semconv.RUN_COMPLETE) is True
        silent = trace.finish_ns - self._ended[resource] > _SILENT_NS
        return cut[-1] if self._ended[resource] <= last and (driver_ended or silent) else 0


def cpu_ns(trace: Trace, span: int, key: str) -> Optional[int]:
    """A reading of processor time that a span has, in ns; None if it has none."""
    return number(trace.attributes(span), key) or None
