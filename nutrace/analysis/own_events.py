"""The events that spans stand for, and what recording them cost by the prices that their process states."""

from __future__ import annotations

from array import array
from collections import defaultdict
from math import fsum
from typing import DefaultDict, Iterable, List, NamedTuple, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.failures import ERROR
from nutrace.analysis.regions import Region, Regions
from nutrace.prices import Price, events, parse
from nutrace.trace import Trace


class Sort(NamedTuple):
    """Events of one price and one row: `kind` is of the event, `name` of the spans that stand for them.

    `in_step` says whether they happened in a step, on its thread.
    """

    resource: int
    kind: str
    name: str
    component: str
    in_step: bool


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
        if any(self.prices):
            self._count(regions)

    def _count(self, regions: Regions) -> None:
        trace = self._trace
        resource_of = [thread.resource for thread in trace.threads]
        for span, thread in enumerate(trace.thread):
            resource = resource_of[thread]
            prices = self.prices[resource]
            if not prices:
                self.unpriced += 1
                continue
            name, component = trace.name[span], trace.component[span]
            in_step = regions.region[span] == Region.INSIDE
            cost = 0.0
            for kind, count in _events(trace, span):
                self.counts[Sort(resource, kind, name, component, in_step)] += count
                price = prices.get(kind)
                if price is not None:
                    cost += count * price.total_ns
            self.cost_ns[span] = cost

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
        found = _events(self._trace, span) if prices else ()
        return fsum(count * prices[kind].outside_ns for kind, count in found if kind in prices)


def taken_ns(trace: Trace) -> Optional[array[int]]:
    """What was taken out of each span's self time; None if times are read as they were recorded."""
    correction = getattr(trace, "correction", None)
    column: Optional[array[int]] = getattr(trace, "own_ns", None)
    return None if correction is None or correction.raw else column


def _events(trace: Trace, span: int) -> List[Tuple[str, int]]:
    """The events that a span stands for, as kinds and how many of them."""
    name = trace.name[span]
    return events(
        name,
        trace.calls[span],
        yielded=trace.yielded[span],
        rows=_rows(trace, span) if name == semconv.STATEMENT_SPAN else 0,
        failed=span in trace.raw.status and trace.status(span).code == ERROR,
        by_api=_by_api(trace, span),
    )


def _rows(trace: Trace, span: int) -> int:
    """The rows that a statement has given one by one: others cost nothing each."""
    attributes = trace.attributes(span)
    return max(number(attributes, semconv.DB_ROWS) - number(attributes, semconv.SQL_ROWS_AT_ONCE), 0)


def _by_api(trace: Trace, span: int) -> bool:
    told = getattr(trace, "by_api", None)
    return told is not None and told(span)
