"""When scenarios were handed out and simulated, by which threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.evaluation.pieces import Interval, union
from nutrace.analysis.evaluation.worker_names import Worker, outermost_spans, thread_of
from nutrace.trace import Trace

_HANDING_OUT = (semconv.RUNNERS_SPAN, semconv.MAP_SPAN)  # the first that a run has


@dataclass(frozen=True)
class Round:
    """Scenarios that the driver handed out at once: when it began to, when the last of them ended."""

    start_ns: int
    end_ns: int
    scenarios: Tuple[int, ...]


def scenarios_by_thread(trace: Trace) -> Tuple[Dict[int, Interval], Dict[Worker, List[int]]]:
    """When each scenario ran, and those of each thread, by their start."""
    spans_ns: Dict[int, Interval] = {}
    of_lane: Dict[Worker, List[int]] = {}
    for scenario in trace.simulations:
        around = outermost_spans(scenario)
        if around:
            spans_ns[scenario.number] = trace.start_ns[around[0]], max(trace.end_ns[each] for each in around)
            of_lane.setdefault(thread_of(trace, around[0]), []).append(scenario.number)
    return spans_ns, of_lane


def handing_out(trace: Trace, driving: int, spans_ns: Dict[int, Interval]) -> List[Interval]:
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


def rounds_of(handing_out: List[Interval], spans_ns: Dict[int, Interval]) -> Tuple[Round, ...]:
    rounds = []
    for start, end in handing_out:
        numbers = [each for each, (begun, _) in spans_ns.items() if start <= begun <= end]
        rounds.append(Round(start, max(spans_ns[each][1] for each in numbers), tuple(numbers)))
    return tuple(rounds)


def driving_thread(trace: Trace, driving: int) -> Worker:
    """The thread that hands out scenarios, or else that of the process's first span, or its main thread."""
    first: Optional[Worker] = None
    for span, name in enumerate(trace.name):
        thread = thread_of(trace, span)
        if thread.resource != driving:
            continue
        if name in _HANDING_OUT:
            return thread
        first = first or thread
    return first or Worker(driving, trace.resources[driving].pid or 0)


def outside(rounds: Sequence[Round], begin_ns: int, end_ns: int) -> List[Interval]:
    """The time before, between and behind the rounds."""
    edges = [begin_ns, *(edge for each in rounds for edge in (each.start_ns, each.end_ns)), end_ns]
    return list(zip(edges[::2], edges[1::2]))
