"""The events that spans stand for, and what recording them cost by the prices that their process states."""

from __future__ import annotations

from array import array
from collections import defaultdict
from math import fsum
from typing import Any, DefaultDict, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.regions import Region, Regions
from nutrace.prices import Price, events, parse
from nutrace.trace import Trace

_MOST_KNOWN = 20_000  # different spans that are kept at a time


class Sort(NamedTuple):
    """Events of one price and one row: `kind` is of the event, `name` of the spans that stand for them.

    `in_step` says whether they happened in a step, on its thread.
    """

    resource: int
    kind: str
    name: str
    component: str
    in_step: bool


class _Alike:
    """Spans that have the same events."""

    __slots__ = "cost_ns", "priced", "sorts", "times"

    def __init__(self, sorts: List[Tuple[Sort, int]], cost_ns: float, priced: bool = True) -> None:
        self.sorts = sorts
        self.cost_ns = cost_ns  # of one of these spans
        self.priced = priced  # whether their process states prices
        self.times = 0


class OwnEvents:
    """The events of a trace.

    Attributes
    ----------
    prices:
        Those that each process states.
    counts:
        How many events there are of each sort; none of processes without prices.
    cost_ns:
        For each span what its events cost.
    unpriced:
        Spans of processes without prices.
    """

    def __init__(self, trace: Trace, regions: Regions) -> None:
        self.prices = [parse(each.attributes.get(semconv.OWN_PRICES)) for each in trace.resources]
        self.counts: DefaultDict[Sort, int] = defaultdict(int)
        self.cost_ns = array("d", [0.0]) * len(trace)
        self.unpriced = 0
        self._trace = trace
        self._resource_of = [thread.resource for thread in trace.threads]
        self._known: Dict[Tuple[Any, ...], _Alike] = {}
        if any(self.prices):
            self._count(regions)

    def _count(self, regions: Regions) -> None:
        known, costs = self._known, self.cost_ns
        for span, key in enumerate(self._keys(regions)):
            alike = known.get(key)
            if alike is None:
                if len(known) >= _MOST_KNOWN:
                    self._add_known()
                alike = known[key] = self._alike(span, regions)
            alike.times += 1
            costs[span] = alike.cost_ns
        self._add_known()

    def _keys(self, regions: Regions) -> Iterator[Tuple[Any, ...]]:
        """For each span what its events depend on: those of spans with equal keys are alike."""
        trace = self._trace
        failed = bytearray(len(trace))
        for span in trace.failed:
            failed[span] = True
        return zip(
            *(trace.thread, regions.region, trace.name, trace.component, trace.calls, trace.yielded),
            *(trace.single_rows, trace.raw.by_api, failed),
        )

    def _alike(self, span: int, regions: Regions) -> _Alike:
        trace = self._trace
        resource = self._resource_of[trace.thread[span]]
        prices = self.prices[resource]
        if not prices:
            return _Alike([], 0.0, priced=False)
        in_step = regions.region[span] == Region.INSIDE
        name, component = trace.name[span], trace.component[span]
        found = self._events(span)
        sorts = [(Sort(resource, kind, name, component, in_step), count) for kind, count in found]
        return _Alike(sorts, fsum(count * prices[kind].total_ns for kind, count in found if kind in prices))

    def _events(self, span: int) -> List[Tuple[str, int]]:
        """The events that a span stands for, as kinds and how many of them."""
        trace = self._trace
        return events(
            trace.name[span],
            trace.calls[span],
            yielded=trace.yielded[span],
            rows=trace.single_rows[span],
            failed=span in trace.failed,
            by_api=trace.by_api(span),
        )

    def _add_known(self) -> None:
        for alike in self._known.values():
            self.unpriced += 0 if alike.priced else alike.times
            for sort, count in alike.sorts:
                self.counts[sort] += count * alike.times
        self._known.clear()

    @property
    def priced(self) -> bool:
        """Whether any process states prices."""
        return any(self.prices)

    def price(self, sort: Sort) -> Optional[Price]:
        """What one of these events costs; None if its process does not say."""
        return self.prices[sort.resource].get(sort.kind)

    def number(self, sorts: Iterable[Sort]) -> int:
        """How many events there are of some sorts."""
        return sum(self.counts[sort] for sort in sorts)

    def total_ns(self, sorts: Iterable[Sort]) -> float:
        """What all events of some sorts cost."""
        priced = ((self.counts[sort], self.price(sort)) for sort in sorts)
        return fsum(count * price.total_ns for count, price in priced if price is not None)

    def outside_ns(self, span: int) -> float:
        """What a span's own events cost outside of it."""
        prices = self.prices[self._resource_of[self._trace.thread[span]]]
        found = self._events(span) if prices else ()
        return fsum(count * prices[kind].outside_ns for kind, count in found if kind in prices)
