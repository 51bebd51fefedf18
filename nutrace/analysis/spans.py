"""What each kind of span costs over the whole trace: a table of functions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import DefaultDict, Dict, List, Mapping, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import text
from nutrace.analysis.regions import Regions
from nutrace.percentiles import weighted_percentiles
from nutrace.sketch import Times
from nutrace.trace import Trace


@dataclass(frozen=True)
class SpanCost:
    """All spans of one name and component.

    Attributes
    ----------
    calls:
        Recursion counts once, and a generator counts once however much it yields.
    yielded:
        Values that generators yielded.
    total_ns, self_ns:
        Time in the outermost spans with everything that they call; and time in the spans alone.
    own_ns:
        nutrace's own time that was taken out of the spans alone.
    mean_ns:
        ``total_ns`` divided by ``calls``.
    p50_ns, p95_ns:
        Percentiles over calls, by nearest rank; of calls that were merged, right to
        :data:`nutrace.sketch.ERROR`. None if of some calls only the mean is known, as in older files.
    """

    name: str
    component: str
    calls: int
    yielded: int
    total_ns: int
    self_ns: int
    own_ns: int
    mean_ns: float
    p50_ns: Optional[int]
    p95_ns: Optional[int]


class _Sums:
    """The sums over one kind of span, while they are added up."""

    __slots__ = "outermost", "self_ns", "taken_ns", "yielded"

    def __init__(self) -> None:
        self.self_ns = self.taken_ns = self.yielded = 0
        self.outermost: List[int] = []


def span_costs(trace: Trace, regions: Regions) -> Tuple[SpanCost, ...]:
    """Every kind of span, the one with the most self time first."""
    sums: DefaultDict[Tuple[str, str], _Sums] = defaultdict(_Sums)
    kinds = zip(trace.name, trace.component)
    columns = zip(kinds, trace.self_ns, trace.own_ns, trace.yielded, regions.outermost_name)
    for span, (key, own, taken, yielded, is_outermost) in enumerate(columns):
        of = sums[key]
        of.self_ns += own
        of.taken_ns += taken
        of.yielded += yielded
        if is_outermost:
            of.outermost.append(span)
    continued = _continued(trace)
    costs = []
    for key, of in sums.items():
        calls = sum(trace.calls[span] for span in of.outermost)
        total = sum(trace.busy_ns[span] for span in of.outermost)
        times = _call_times(trace, of.outermost, continued)
        p50, p95 = (None, None) if times is None else weighted_percentiles(times, (50, 95))
        mean = total / calls if calls else 0.0
        costs.append(
            SpanCost(*key, calls, of.yielded, total, of.self_ns, of.taken_ns, mean, p50, p95),
        )
    return tuple(sorted(costs, key=lambda cost: (-cost.self_ns, cost.name, cost.component)))


def _call_times(trace: Trace, spans: Sequence[int], continued: Mapping[int, int]) -> Optional[Times]:
    """How long each call took, with the time of its generator in other spans; None if that is not known."""
    busy, calls = trace.busy_ns, trace.calls
    known: Times = [(busy[span] + continued.get(span, 0), 1) for span in spans if calls[span] == 1]
    if len(known) == len(spans):
        return known
    often: Counter[float] = Counter()  # equal times are one: the buckets of composite spans meet here
    for span in spans:
        if calls[span] == 1:
            continue
        times = trace.call_times(span)
        if times is None:
            return None
        for time_ns, number in times:
            often[time_ns + continued.get(span, 0)] += number
    return known + list(often.items())


def _continued(trace: Trace) -> Dict[int, int]:
    """For each span whose generator went on in other spans, the cost of these."""
    segments = [span for span, calls in enumerate(trace.calls) if not calls]
    if not segments:
        return {}
    of = {span: text(trace.attributes(span), semconv.CONTINUES) for span in segments}
    wanted = set(of.values())
    holder: Dict[str, int] = {}
    for span in range(len(trace)):
        if trace.yielded[span] or trace.calls[span]:
            span_id = trace.span_id(span)
            if span_id in wanted:
                holder[span_id] = span
    costs: Dict[int, int] = {}
    for span in segments:
        call = holder.get(of[span])
        if call is not None:
            costs[call] = costs.get(call, 0) + trace.busy_ns[span]
    return costs
