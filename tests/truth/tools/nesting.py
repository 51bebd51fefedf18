"""Self times out of intervals that lie in each other."""

from __future__ import annotations

from collections import defaultdict
from typing import DefaultDict, Dict, Iterable, List, NamedTuple, Tuple

from truth.tools.tool import Seen


class Interval(NamedTuple):
    """A call on a thread; `own` says whether its function is one of the program's."""

    thread: int
    start_ns: float
    end_ns: float
    name: str
    own: bool


def functions(intervals: Iterable[Interval]) -> Dict[str, Seen]:
    """What calls take, by function; the time of a foreign function is its caller's self time.

    Calls of a thread lie in each other. Those of concurrent tasks do not, and what a task waits for is then
    counted in it, as it is in the tool's own pages.
    """
    durations: DefaultDict[str, List[float]] = defaultdict(list)
    self_ns: DefaultDict[str, float] = defaultdict(float)
    total_ns: DefaultDict[str, float] = defaultdict(float)
    stack: List[Interval] = []
    for call in sorted(intervals, key=lambda each: (each.thread, each.start_ns, -each.end_ns)):
        while stack and (stack[-1].thread != call.thread or stack[-1].end_ns <= call.start_ns):
            stack.pop()
        length = call.end_ns - call.start_ns
        if all(above.name != call.name for above in stack):
            total_ns[call.name] += length
        if call.own:
            durations[call.name].append(length)
            self_ns[call.name] += length
            parent = next((above for above in reversed(stack) if above.own), None)
            if parent is not None:
                self_ns[parent.name] -= min(length, parent.end_ns - call.start_ns)
        stack.append(call)
    result = {name: Seen(total_ns=total) for name, total in total_ns.items()}
    for name, lengths in durations.items():
        p50, p95 = _percentiles(lengths)
        result[name] = Seen(len(lengths), self_ns[name], total_ns[name], p50, p95)
    return result


def _percentiles(lengths: List[float]) -> Tuple[float, float]:
    ordered = sorted(lengths)
    return ordered[int(0.50 * len(ordered))], ordered[int(0.95 * len(ordered))]
