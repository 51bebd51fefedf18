"""What nutrace itself cost: every event at its price, and what was clocked, as a ledger."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass
from math import fsum
from typing import DefaultDict, Dict, List, NamedTuple, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.own_clocked import WRITING, Clocked, clocked, inside_of_spans
from nutrace.analysis.regions import Region, Regions
from nutrace.percentiles import weighted_percentiles
from nutrace.prices import KINDS, Price, Prices, events, parse
from nutrace.trace import Trace
from nutrace.trace.bounds import whole

_ERROR = 2  # OTLP's status code


@dataclass(frozen=True)
class EventCost:
    """All events of one kind.

    Attributes
    ----------
    kind:
        One of :data:`nutrace.prices.KINDS`.
    count, in_steps:
        How many there are, and how many of them on the threads of the steps, in these.
    outside_ns, inside_ns:
        The price of one: what falls to the span around it, and to its own. Of several processes the mean.
        None if no process states a price.
    spread:
        As in :class:`nutrace.prices.Price`; of several processes the largest.
    total_ns:
        What they cost together.
    """

    kind: str
    count: int
    in_steps: int
    outside_ns: Optional[float]
    inside_ns: Optional[float]
    spread: float
    total_ns: float


@dataclass(frozen=True)
class ComponentOwnCost:
    """The events of one component's spans.

    Attributes
    ----------
    events:
        How many of all kinds.
    total_ns, in_steps_ns:
        What they cost, and what of that on the threads of the steps, in these.
    taken_ns:
        What was taken out of the component's self time; None if times are read as they were recorded.
    """

    component: str
    events: int
    total_ns: float
    in_steps_ns: float
    taken_ns: Optional[int]


@dataclass(frozen=True)
class StepsOwnCost:
    """What nutrace cost in the finished steps, on their threads: events, and what was clocked.

    Attributes
    ----------
    count:
        The number of the steps.
    mean_ns, p95_ns, max_ns:
        Of a step; percentiles are by nearest rank.
    share:
        All of it as a part of the time of the steps, as that was recorded.
    worst:
        The address of the step with the most: its scenario's number and its iteration.
    """

    count: int
    mean_ns: float
    p95_ns: int
    max_ns: int
    share: float
    worst: Tuple[int, int]


@dataclass(frozen=True)
class OwnCost:
    """The ledger of a run, or of a part of one.

    Attributes
    ----------
    priced:
        Whether the file states what an event costs. If not, the ledger is empty.
    spans:
        Calls that were recorded, before equal siblings were merged.
    events, components:
        The costliest first. Both sum to ``events_ns``.
    clocked:
        What was measured where it happened. In a part of a run, what was noted on its spans.
    steps:
        None without finished steps.
    events_ns, total_ns:
        What the events cost, and that with what was clocked. If the file states no prices, the total that
        its processes have written; None if there is none.
    share:
        ``total_ns`` as a part of the wall time; None for a part of a run.
    unpriced:
        Spans of processes that do not state prices: their events are not in the ledger.
    unfinished:
        Processes that state prices, and not what they have clocked until their end.
    """

    priced: bool
    spans: int
    events: Tuple[EventCost, ...]
    components: Tuple[ComponentOwnCost, ...]
    clocked: Tuple[Clocked, ...]
    steps: Optional[StepsOwnCost]
    events_ns: float
    total_ns: Optional[float]
    share: Optional[float]
    unpriced: int
    unfinished: int


class _Key(NamedTuple):
    """Events that have one price, and are in one row of each table."""

    resource: int
    kind: str
    component: str
    in_step: bool


class _Events:
    """The events of a trace: how many of each sort, and what those of each span cost."""

    def __init__(self, trace: Trace, regions: Regions) -> None:
        self.prices = [parse(each.attributes.get(semconv.OWN_PRICES)) for each in trace.resources]
        self.counts: DefaultDict[_Key, int] = defaultdict(int)
        self.cost_ns = array("d", [0.0]) * len(trace)
        self.unpriced = 0
        if not any(self.prices):
            return
        resource_of = [thread.resource for thread in trace.threads]
        for span, thread in enumerate(trace.thread):
            resource = resource_of[thread]
            prices = self.prices[resource]
            if not prices:
                self.unpriced += 1
                continue
            component, in_step = trace.component[span], regions.region[span] == Region.INSIDE
            cost = 0.0
            for kind, count in events_of(trace, span):
                self.counts[_Key(resource, kind, component, in_step)] += count
                price = prices.get(kind)
                if price is not None:
                    cost += count * price.total_ns
            self.cost_ns[span] = cost

    def price(self, key: _Key) -> Optional[Price]:
        """What one of these events costs; None if its process does not say."""
        return self.prices[key.resource].get(key.kind)

    def total_ns(self, key: _Key) -> float:
        """What these events cost together."""
        price = self.price(key)
        return 0.0 if price is None else self.counts[key] * price.total_ns


def events_of(trace: Trace, span: int) -> List[Tuple[str, int]]:
    """The events that a span stands for, as kinds and how many of them."""
    name = trace.name[span]
    return events(
        name,
        trace.calls[span],
        yielded=trace.yielded[span],
        rows=number(trace.attributes(span), semconv.DB_ROWS) if name == semconv.STATEMENT_SPAN else 0,
        failed=span in trace.raw.status and trace.status(span).code == _ERROR,
    )


def own_cost(trace: Trace, regions: Regions) -> OwnCost:
    """What nutrace cost in a run, or in a part that was selected from one."""
    found = _Events(trace, regions)
    priced = any(found.prices)
    part = bool(trace.selection)
    entries = inside_of_spans(trace) if part else clocked(trace.resources)
    events_ns = fsum(map(found.total_ns, found.counts))
    total_ns: Optional[float] = events_ns + sum(entry.spent_ns for entry in entries if entry.added)
    if not priced:
        total_ns = None if part else _sum_of(trace, semconv.OVERHEAD_NS)
    wall_ns = trace.finish_ns - trace.begin_ns
    recorded = None if part else _sum_of(trace, semconv.SPANS_RECORDED)
    return OwnCost(
        priced=priced,
        spans=sum(trace.calls) if recorded is None else recorded,
        events=_by_kind(found),
        components=_by_component(trace, found) if priced else (),
        clocked=entries if priced else (),
        steps=_by_step(trace, regions, found) if priced else None,
        events_ns=events_ns,
        total_ns=total_ns,
        share=None if total_ns is None or part or wall_ns <= 0 else total_ns / wall_ns,
        unpriced=found.unpriced,
        unfinished=0 if part else _unfinished(trace, found.prices),
    )


def _sum_of(trace: Trace, key: str) -> Optional[int]:
    """The sum of what the processes say; None if none says it."""
    numbers = [whole(resource.attributes.get(key)) for resource in trace.resources]
    said = [number for number in numbers if number >= 0]
    return sum(said) if said else None


def _unfinished(trace: Trace, prices: Sequence[Prices]) -> int:
    writing = f"{semconv.OWN_SPENT_NS}.{WRITING}"
    return sum(bool(own) and writing not in each.attributes for own, each in zip(prices, trace.resources))


def _by_kind(found: _Events) -> Tuple[EventCost, ...]:
    costs = []
    for kind in KINDS:
        keys = [key for key in found.counts if key.kind == kind]
        if not keys:
            continue
        count = sum(found.counts[key] for key in keys)
        price = _mean([(found.counts[key], found.price(key)) for key in keys])
        costs.append(
            EventCost(
                kind=kind,
                count=count,
                in_steps=sum(found.counts[key] for key in keys if key.in_step),
                outside_ns=None if price is None else price.outside_ns,
                inside_ns=None if price is None else price.inside_ns,
                spread=0.0 if price is None else price.spread,
                total_ns=fsum(map(found.total_ns, keys)),
            )
        )
    return tuple(sorted(costs, key=lambda cost: -cost.total_ns))


def _mean(weighted: List[Tuple[int, Optional[Price]]]) -> Optional[Price]:
    known = [(count, price) for count, price in weighted if price is not None]
    events_ = sum(count for count, _ in known)
    if not events_:
        return None
    return Price(
        fsum(count * price.outside_ns for count, price in known) / events_,
        fsum(count * price.inside_ns for count, price in known) / events_,
        max(price.spread for _, price in known),
    )


def _by_component(trace: Trace, found: _Events) -> Tuple[ComponentOwnCost, ...]:
    taken = _taken_by_component(trace)
    by_component: Dict[str, List[_Key]] = {component: [] for component in taken or ()}
    for key in found.counts:
        by_component.setdefault(key.component, []).append(key)
    costs = [
        ComponentOwnCost(
            component=component,
            events=sum(found.counts[key] for key in keys),
            total_ns=fsum(map(found.total_ns, keys)),
            in_steps_ns=fsum(found.total_ns(key) for key in keys if key.in_step),
            taken_ns=None if taken is None else taken.get(component, 0),
        )
        for component, keys in by_component.items()
    ]
    return tuple(sorted(costs, key=lambda cost: (-cost.total_ns, cost.component)))


def _taken_by_component(trace: Trace) -> Optional[Dict[str, int]]:
    column = taken_ns(trace)
    if column is None:
        return None
    taken: Dict[str, int] = {}
    for component, own_ns in zip(trace.component, column):
        if own_ns:
            taken[component] = taken.get(component, 0) + own_ns
    return taken


def taken_ns(trace: Trace) -> Optional[array[int]]:
    """What was taken out of each span's self time; None if times are read as they were recorded."""
    column: Optional[array[int]] = getattr(trace, "own_ns", None)
    return column


def _by_step(trace: Trace, regions: Regions, found: _Events) -> Optional[StepsOwnCost]:
    if not regions.steps:
        return None
    taken = taken_ns(trace)
    costs: List[int] = []
    recorded_ns = 0
    for step in regions.steps:
        below = [s for s in range(step, trace.subtree_end[step]) if regions.region[s] == Region.INSIDE]
        own = fsum(found.cost_ns[span] for span in below) - _before_and_after(trace, step, found)
        costs.append(round(own) + number(trace.attributes(step), semconv.OWN_NS))
        recorded_ns += trace.busy_ns[step] + (sum(taken[span] for span in below) if taken else 0)
    total = sum(costs)
    worst = max(range(len(costs)), key=costs.__getitem__)
    where, step = trace.addresses, regions.steps[worst]
    return StepsOwnCost(
        count=len(costs),
        mean_ns=total / len(costs),
        p95_ns=weighted_percentiles([(cost, 1) for cost in costs], (95,))[0],
        max_ns=costs[worst],
        share=total / recorded_ns if recorded_ns else 0.0,
        worst=(where.scenario_of[step], where.iteration_of[step]),
    )


def _before_and_after(trace: Trace, step: int, found: _Events) -> float:
    """What recording a step costs outside of it."""
    prices: Prices = found.prices[trace.threads[trace.thread[step]].resource]
    return fsum(count * prices[kind].outside_ns for kind, count in events_of(trace, step) if kind in prices)
