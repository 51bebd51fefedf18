"""The times of spans, steps and the run if spans took a given part of their self time."""

from __future__ import annotations

from array import array
from typing import Dict, Iterable, List, Sequence, Tuple

from nutrace.analysis.regions import Region, Regions
from nutrace.analysis.whatif.longest_way import Timed, longest_way
from nutrace.trace import Trace


class Rescaling:
    """Recomputes the times of one trace.

    On one thread a span takes its self time and the time of what is nested in it, so that what is saved is
    subtracted. What runs beside a span counts as :mod:`nutrace.analysis.whatif.longest_way` says.

    Parameters
    ----------
    trace, regions:
        A trace, and how it is divided.
    """

    def __init__(self, trace: Trace, regions: Regions) -> None:
        self._trace = trace
        self._regions = regions
        #: For each finished step whether work ran beside it.
        self.is_concurrent = [
            Region.BESIDE in regions.region[step : trace.subtree_end[step]] for step in regions.steps
        ]

    def steps_ns(self, factors: Sequence[float]) -> List[float]:
        """The new time of each finished step; `factors` has one for the self time of each span."""
        trace = self._trace
        times = []
        for step, concurrent in zip(self._regions.steps, self.is_concurrent):
            end = trace.subtree_end[step]
            if concurrent:
                times.append(self._costs(step, end, factors)[0])
            else:
                own = zip(trace.self_ns[step:end], factors[step:end])
                times.append(sum(self_ns * factor for self_ns, factor in own))
        return times

    def run_ns(self, factors: Sequence[float]) -> float:
        """The new time from the first span's start to the last one's end.

        The thread of the first span is the one that waits; what lies in no span stays as it is.
        """
        trace = self._trace
        if not len(trace):
            return 0.0
        costs = self._costs(0, len(trace), factors)
        roots = trace.roots
        main = trace.thread[roots[0]]
        nested, spread = self._nested((root for root in roots if trace.thread[root] == main), costs, 0, 1.0)
        beside = [self._timed(root, costs[root]) for root in roots if trace.thread[root] != main]
        # Work that ran between the parts of a generator may have been waited for: it is not counted twice.
        return max(longest_way(trace.begin_ns, trace.finish_ns, 1.0, nested, beside) + spread, 0.0)

    def _timed(self, span: int, cost: float) -> Timed:
        """A span as a whole: the time that a generator spends outside of itself stays, and nutrace's own."""
        trace = self._trace
        start, end = trace.start_ns[span], trace.end_ns[span]
        return Timed(start, end, end - start - trace.busy_ns[span] + cost, trace.thread[span])

    def _costs(self, first: int, end: int, factors: Sequence[float]) -> array[float]:
        """The new costs of the spans of whole subtrees; the first span's is at 0."""
        trace = self._trace
        costs = array("d", bytes(8 * (end - first)))
        beside: Dict[int, List[Timed]] = {}
        for span in range(end - 1, first - 1, -1):  # what is below a span comes before it
            own = trace.self_ns[span] * factors[span] + costs[span - first]
            here = beside.pop(span, [])
            lasts_on = []
            if here and trace.runs_through(span):
                own = self._waiting(span, first, costs, factors[span], here)
                lasts_on = [one for one in here if one.end > trace.end_ns[span]]
            costs[span - first] = own
            above = trace.parent[span]
            if above < first:
                continue
            if trace.thread[above] == trace.thread[span]:
                costs[above - first] += own
                if lasts_on:
                    beside.setdefault(above, []).extend(lasts_on)
            else:
                beside.setdefault(above, []).append(self._timed(span, own))
        return costs

    def _waiting(
        self, span: int, first: int, costs: Sequence[float], factor: float, beside: Sequence[Timed]
    ) -> float:
        """What a span takes that waits for others; the longest way has nutrace's own time in it."""
        trace = self._trace
        below = (each for each in trace.children(span) if trace.thread[each] == trace.thread[span])
        nested, spread = self._nested(below, costs, first, factor)
        way = longest_way(trace.start_ns[span], trace.end_ns[span], factor, nested, beside) + spread
        own_ns = trace.own_inside_ns[span] - trace.own_ns[span] * (1 - factor)
        return max(way - own_ns, 0.0)

    def _nested(
        self, spans: Iterable[int], costs: Sequence[float], first: int, factor: float
    ) -> Tuple[List[Timed], float]:
        """Spans that ran one after the other on a thread, and what the others take more than before.

        The others are generators and merged calls: other work ran between their parts.
        """
        trace = self._trace
        nested, more = [], 0.0
        for span in spans:
            if trace.runs_through(span):
                nested.append(self._timed(span, costs[span - first]))
            else:
                own_ns = trace.own_inside_ns[span]
                more += costs[span - first] + own_ns - (trace.busy_ns[span] + own_ns) * factor
        return nested, more
