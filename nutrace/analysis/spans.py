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


def span_costs(trace: Trace, regions: Regions) -> Tuple[SpanCost, ...]:
    """Every kind of span, the one with the most self time first."""
    yielded: DefaultDict[Tuple[str, str], int] = defaultdict(int)
    self_ns: DefaultDict[Tuple[str, str], int] = defaultdict(int)
    taken_ns: DefaultDict[Tuple[str, str], int] = defaultdict(int)
    outermost: DefaultDict[Tuple[str, str], List[int]] = defaultdict(list)
    for span, key in enumerate(zip(trace.name, trace.component)):
        self_ns[key] += trace.self_ns[span]
        taken_ns[key] += trace.own_ns[span]
        yielded[key] += trace.yielded[span]
        if regions.outermost_name[span]:
            outermost[key].append(span)
    continued = _continued(trace)
    costs = []
    for key, own in self_ns.items():
        spans = outermost[key]
        calls = sum(trace.calls[span] for span in spans)
        total = sum(trace.busy_ns[span] for span in spans)
        times = _call_times(trace, spans, continued)
        p50, p95 = (None, None) if times is None else weighted_percentiles(times, (50, 95))
        mean = total / calls if calls else 0.0
        costs.append(SpanCost(*key, calls, yielded[key], total, own, taken_ns[key], mean, p50, p95))
    return tuple(sorted(costs, key=lambda cost: (-cost.self_ns, cost.name, cost.component)))


def _call_times(trace: Trace, spans: Sequence[int], continued: Mapping[int, int]) -> Optional[Times]:
    """How long each call took, with the time of its generator in other spans; None if that is not known."""
    often: Counter[float] = Counter()  # equal times are one: the buckets of composite spans meet here
    for span in spans:
        times = trace.call_times(span)
        if times is None:
            return None
        for time_ns, number in times:
            often[time_ns + continued.get(span, 0)] += number
    return list(often.items())


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
