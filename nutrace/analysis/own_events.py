"""The events that spans stand for, and what recording them cost by the prices that their process states."""

from __future__ import annotations

from array import array
from collections import defaultdict
from math import fsum
from typing import Any, DefaultDict, Dict, Iterable, List, NamedTuple, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.regions import Region, Regions
from nutrace.prices import Price, events, parse
from nutrace.trace import Trace
from nutrace.trace.span import ERROR

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

    __slots__ = "cost_ns", "sorts", "times"

    def __init__(self, sorts: List[Tuple[Sort, int]], cost_ns: float) -> None:
        self.sorts = sorts
        self.cost_ns = cost_ns  # of one of these spans
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
        self._failed = {span for span in trace.raw.status if trace.status(span).code == ERROR}
        self._known: Dict[Tuple[Any, ...], _Alike] = {}
        if any(self.prices):
            self._count(regions)

    def _count(self, regions: Regions) -> None:
        trace, known = self._trace, self._known
        resource_of = [thread.resource for thread in trace.threads]
        inside = int(Region.INSIDE)
        columns = (
            *(trace.thread, regions.region, trace.name, trace.component),
            *(trace.calls, trace.yielded, trace.raw.by_api),
        )
        for span, (thread, region, name, component, calls, yielded, by_api) in enumerate(zip(*columns)):
            resource = resource_of[thread]
            if not self.prices[resource]:
                self.unpriced += 1
                continue
            rows = self._rows(span) if name == semconv.STATEMENT_SPAN else 0
            more = yielded, rows, by_api, span in self._failed
            key = (resource, region == inside, name, component, calls, more)
            alike = known.get(key)
            if alike is None:
                if len(known) >= _MOST_KNOWN:
                    self._add_known()
                alike = known[key] = self._alike(span, resource, region == inside)
            alike.times += 1
            self.cost_ns[span] = alike.cost_ns
        self._add_known()

    def _alike(self, span: int, resource: int, in_step: bool) -> _Alike:
        trace = self._trace
        prices, found = self.prices[resource], self._events(span)
        name, component = trace.name[span], trace.component[span]
        sorts = [(Sort(resource, kind, name, component, in_step), count) for kind, count in found]
        return _Alike(sorts, fsum(count * prices[kind].total_ns for kind, count in found if kind in prices))

    def _events(self, span: int) -> List[Tuple[str, int]]:
        """The events that a span stands for, as kinds and how many of them."""
        trace = self._trace
        return events(
            trace.name[span],
            trace.calls[span],
            yielded=trace.yielded[span],
            rows=self._rows(span) if trace.name[span] == semconv.STATEMENT_SPAN else 0,
            failed=span in self._failed,
            by_api=trace.by_api(span),
        )

    def _rows(self, statement: int) -> int:
        """The rows that a statement has given one by one: others cost nothing each."""
        attributes = self._trace.attributes(statement)
        return max(number(attributes, semconv.DB_ROWS) - number(attributes, semconv.SQL_ROWS_AT_ONCE), 0)

    def _add_known(self) -> None:
        for alike in self._known.values():
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
        prices = self.prices[self._trace.threads[self._trace.thread[span]].resource]
        found = self._events(span) if prices else ()
        return fsum(count * prices[kind].outside_ns for kind, count in found if kind in prices)
