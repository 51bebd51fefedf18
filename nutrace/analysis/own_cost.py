"""What nutrace itself cost: every event at its price, and what was clocked, as a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.own_clocked import WRITING, Clocked, clocked, inside_of_spans
from nutrace.analysis.own_events import OwnEvents, Sort, taken_ns
from nutrace.analysis.own_steps import StepsOwnCost, steps_own_cost
from nutrace.analysis.regions import Regions
from nutrace.prices import KINDS, Price
from nutrace.trace import Trace
from nutrace.trace.bounds import whole


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
class OwnCost:
    """The ledger of a run, or of a part of one.

    Attributes
    ----------
    priced:
        Whether the file states what an event costs. If not, there is no ledger.
    spans:
        Calls that were recorded, before equal siblings were merged.
    total_ns:
        What the events cost, and what was clocked and is added. Without prices, the sum that the processes
        state; None if there is none.
    share:
        ``total_ns`` as a part of the wall time; None for a part of a run.
    events_ns:
        What the events cost. ``events`` and ``components`` both add up to it.
    events, components:
        The costliest first.
    clocked:
        What was measured where it happened; for a part of a run what was noted on its spans.
    steps:
        None without finished steps.
    unpriced:
        Spans of processes that do not state prices: their events are not in the ledger.
    unfinished:
        Processes that state prices, and did not come to write what they have clocked.
    """

    priced: bool
    spans: int
    total_ns: Optional[float]
    share: Optional[float]
    events_ns: float = 0.0
    events: Tuple[EventCost, ...] = ()
    components: Tuple[ComponentOwnCost, ...] = ()
    clocked: Tuple[Clocked, ...] = ()
    steps: Optional[StepsOwnCost] = None
    unpriced: int = 0
    unfinished: int = 0


def own_cost(trace: Trace, regions: Regions) -> OwnCost:
    """What nutrace cost in a run, or in a part that was selected from one."""
    found = OwnEvents(trace, regions)
    part = bool(trace.selection)
    spans = None if part else _sum_of(trace, semconv.SPANS_RECORDED)
    if not found.priced:
        stated = None if part else _sum_of(trace, semconv.OVERHEAD_NS)
        return OwnCost(
            priced=False,
            spans=sum(trace.calls) if spans is None else spans,
            total_ns=stated,
            share=None if stated is None else _share(trace, stated),
        )
    entries = inside_of_spans(trace) if part else clocked(trace.resources)
    events_ns = found.total_ns(found.counts)
    total_ns = events_ns + sum(entry.spent_ns for entry in entries if entry.added)
    return OwnCost(
        priced=True,
        spans=sum(trace.calls) if spans is None else spans,
        total_ns=total_ns,
        share=None if part else _share(trace, total_ns),
        events_ns=events_ns,
        events=_by_kind(found),
        components=_by_component(trace, found),
        clocked=entries,
        steps=steps_own_cost(trace, regions, found),
        unpriced=found.unpriced,
        unfinished=0 if part else _unfinished(trace, found),
    )


def _sum_of(trace: Trace, key: str) -> Optional[int]:
    """The sum of what the processes say; None if none says it."""
    numbers = [whole(resource.attributes.get(key)) for resource in trace.resources]
    said = [number for number in numbers if number >= 0]
    return sum(said) if said else None


def _share(trace: Trace, cost_ns: float) -> Optional[float]:
    wall_ns = trace.finish_ns - trace.begin_ns
    return cost_ns / wall_ns if wall_ns > 0 else None


def _unfinished(trace: Trace, found: OwnEvents) -> int:
    writing = f"{semconv.OWN_SPENT_NS}.{WRITING}"
    of_ours = [each for each, prices in zip(trace.resources, found.prices) if prices]
    return sum(writing not in resource.attributes for resource in of_ours)


def _by_kind(found: OwnEvents) -> Tuple[EventCost, ...]:
    costs = []
    for kind in KINDS:
        sorts = [sort for sort in found.counts if sort.kind == kind]
        if not sorts:
            continue
        price = _mean_price(found, sorts)
        costs.append(
            EventCost(
                kind=kind,
                count=found.number(sorts),
                in_steps=found.number(sort for sort in sorts if sort.in_step),
                outside_ns=None if price is None else price.outside_ns,
                inside_ns=None if price is None else price.inside_ns,
                spread=0.0 if price is None else price.spread,
                total_ns=found.total_ns(sorts),
            )
        )
    return tuple(sorted(costs, key=lambda cost: -cost.total_ns))


def _mean_price(found: OwnEvents, sorts: Sequence[Sort]) -> Optional[Price]:
    """The mean over processes, with the largest spread; None if no process states a price."""
    priced = [(found.counts[sort], found.price(sort)) for sort in sorts]
    known = [(count, price) for count, price in priced if price is not None]
    number_ = sum(count for count, _ in known)
    if not number_:
        return None
    return Price(
        fsum(count * price.outside_ns for count, price in known) / number_,
        fsum(count * price.inside_ns for count, price in known) / number_,
        max(price.spread for _, price in known),
    )


def _by_component(trace: Trace, found: OwnEvents) -> Tuple[ComponentOwnCost, ...]:
    taken = _taken_by_component(trace)
    by_component: Dict[str, List[Sort]] = {component: [] for component in taken or ()}
    for sort in found.counts:
        by_component.setdefault(sort.component, []).append(sort)
    costs = [
        ComponentOwnCost(
            component=component,
            events=found.number(sorts),
            total_ns=found.total_ns(sorts),
            in_steps_ns=found.total_ns(sort for sort in sorts if sort.in_step),
            taken_ns=None if taken is None else taken.get(component, 0),
        )
        for component, sorts in by_component.items()
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
