"""The events that spans stand for, and what recording them cost by the prices that their process states."""

from __future__ import annotations

from array import array
from collections import defaultdict
from math import fsum
from typing import Any, DefaultDict, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.regions import Region, Regions
from nutrace.prices import Event, Price, cost_ns, duration, events, kind_of, parse
from nutrace.trace import Trace

_MOST_KNOWN = 20_000  # different spans that are kept at a time


class Sort(NamedTuple):
    """Events of one price and one row: `kind` is of the event, `name` of the spans that stand for them.

    `in_step` says whether they happened in a step, on its thread; `degree` is how cold the caches were.
    """

    resource: int
    kind: str
    name: str
    component: str
    in_step: bool
    degree: int = 0


class _Alike:
    """Spans that have the same events."""

    __slots__ = "clocked", "cost_ns", "sorts", "times"

    def __init__(self, sorts: List[Tuple[Sort, int]], cost_ns: float, clocked: Optional[Sort]) -> None:
        self.sorts = sorts
        self.cost_ns = cost_ns  # of one of these spans, by prices
        self.clocked = clocked  # of what was clocked around them; None if their process states no prices
        self.times = 0


class OwnEvents:
    """The events of a trace.

    Attributes
    ----------
    prices:
        Those that each process states.
    counts:
        How many events there are of each sort; none of processes without prices.
    clocked_ns:
        Of the events of a sort what was clocked; their price is of the rest.
    cost_ns:
        For each span what its events cost.
    unpriced:
        Spans of processes without prices.
    """

    def __init__(self, trace: Trace, regions: Regions) -> None:
        self.prices = [parse(each.attributes.get(semconv.OWN_PRICES)) for each in trace.resources]
        self.counts: DefaultDict[Sort, int] = defaultdict(int)
        self.clocked_ns: DefaultDict[Sort, int] = defaultdict(int)
        self.cost_ns = array("d", [0.0]) * len(trace)
        self.unpriced = 0
        self._trace = trace
        self._resource_of = [thread.resource for thread in trace.threads]
        self._known: Dict[Tuple[Any, ...], _Alike] = {}
        self._ran = array("B", bytes(len(trace)))
        if any(each.cold for each in self.prices):
            self._ran = array("B", [duration(ran_ns) for ran_ns in self._ran_ns()])
        if any(self.prices):
            self._count(regions)

    def _ran_ns(self) -> Iterator[int]:
        """For each span how long the program itself ran in it, as it was recorded."""
        trace = self._trace
        columns = (
            trace.start_ns,
            trace.end_ns,
            trace.busy_ns,
            trace.own_inside_ns,
            trace.self_ns,
            trace.own_ns,
        )
        for start, end, busy, own_inside, alone, own in zip(*columns):
            yield end - start - busy - own_inside + alone + own

    def _count(self, regions: Regions) -> None:
        known, costs = self._known, self.cost_ns
        for span, (key, clocked_ns) in enumerate(zip(self._keys(regions), self._trace.clocked_ns)):
            alike = known.get(key)
            if alike is None:
                if len(known) >= _MOST_KNOWN:
                    self._add_known()
                alike = known[key] = self._alike(span, regions)
            alike.times += 1
            costs[span] = alike.cost_ns
            if clocked_ns and alike.clocked is not None and not self._trace.by_api(span):
                costs[span] += clocked_ns
                self.clocked_ns[alike.clocked] += clocked_ns
                self.counts[alike.clocked] += 0  # what continues a statement counts no event
        self._add_known()

    def _keys(self, regions: Regions) -> Iterator[Tuple[Any, ...]]:
        """For each span what its events depend on: those of spans with equal keys are alike."""
        trace = self._trace
        failed = bytearray(len(trace))
        for span in trace.failed:
            failed[span] = True
        return zip(
            *(trace.thread, regions.region, trace.name, trace.component, trace.calls, trace.yielded),
            *(trace.single_rows, trace.raw.by_api, failed, self._ran),
        )

    def _alike(self, span: int, regions: Regions) -> _Alike:
        trace = self._trace
        resource = self._resource_of[trace.thread[span]]
        prices = self.prices[resource]
        if not prices:
            return _Alike([], 0.0, None)
        in_step = regions.region[span] == Region.INSIDE
        name, component = trace.name[span], trace.component[span]
        found = self._events(span)
        sorts = [
            (Sort(resource, kind, name, component, in_step, degree), count) for kind, count, degree in found
        ]
        kind = kind_of(name, trace.calls[span])
        return _Alike(sorts, cost_ns(found, prices), Sort(resource, kind, name, component, in_step))

    def _events(self, span: int) -> List[Event]:
        """The events that a span stands for."""
        trace = self._trace
        return events(
            trace.name[span],
            trace.calls[span],
            yielded=trace.yielded[span],
            rows=trace.single_rows[span],
            failed=span in trace.failed,
            by_api=trace.by_api(span),
            ran=self._ran[span],
        )

    def _add_known(self) -> None:
        for alike in self._known.values():
            self.unpriced += alike.times if alike.clocked is None else 0
            for sort, count in alike.sorts:
                self.counts[sort] += count * alike.times
        self._known.clear()

    @property
    def priced(self) -> bool:
        """Whether any process states prices."""
        return any(self.prices)

    def price(self, sort: Sort) -> Optional[Price]:
        """What one of these events costs; None if its process does not say."""
        prices = self.prices[sort.resource]
        price, times = prices.get(sort.kind), prices.times(sort.degree)
        if price is None:
            return None
        return Price(price.outside_ns * times, price.inside_ns * times, price.spread)

    def number(self, sorts: Iterable[Sort]) -> int:
        """How many events there are of some sorts."""
        return sum(self.counts[sort] for sort in sorts)

    def total_ns(self, sorts: Iterable[Sort]) -> float:
        """What all events of some sorts cost."""
        return fsum(map(self._sum_ns, sorts))

    def _sum_ns(self, sort: Sort) -> float:
        price = self.price(sort)
        priced_ns = 0.0 if price is None else self.counts[sort] * price.total_ns
        return priced_ns + self.clocked_ns.get(sort, 0)

    def outside_ns(self, span: int) -> float:
        """What a span's own events cost outside of it."""
        prices = self.prices[self._resource_of[self._trace.thread[span]]]
        return fsum(
            count * prices[kind].outside_ns * prices.times(degree)
            for kind, count, degree in (self._events(span) if prices else ())
            if kind in prices
        )
