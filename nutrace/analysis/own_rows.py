"""The rows of nutrace's ledger of its own cost: events by their kind, by component, by kind of span."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import Callable, Dict, List, Optional, Sequence, Tuple, TypeVar

from nutrace.analysis.own_events import OwnEvents, Sort
from nutrace.prices import Price
from nutrace.trace import Trace
from nutrace.trace.correction import CORRECTED

Key = TypeVar("Key")


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
        The mean cost of one, by its price and as it was clocked: what falls to the span around it, and to its
        own. None if no process states a price.
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
class SpanOwnCost:
    """The events of the spans of one name and component; see :class:`ComponentOwnCost`."""

    name: str
    component: str
    events: int
    total_ns: float
    in_steps_ns: float


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


def by_event(found: OwnEvents) -> Tuple[EventCost, ...]:
    """A row for each kind of event, the costliest first."""
    costs = []
    for kind, sorts in _grouped(found, lambda sort: sort.kind).items():
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
    return tuple(sorted(costs, key=lambda cost: (-cost.total_ns, cost.kind)))


def by_component(trace: Trace, found: OwnEvents) -> Tuple[ComponentOwnCost, ...]:
    """A row for each component, the costliest first."""
    taken = _taken_by_component(trace)
    groups = _grouped(found, lambda sort: sort.component)
    costs = [
        ComponentOwnCost(
            component=component,
            events=found.number(groups.get(component, ())),
            total_ns=found.total_ns(groups.get(component, ())),
            in_steps_ns=_in_steps_ns(found, groups.get(component, ())),
            taken_ns=None if taken is None else taken.get(component, 0),
        )
        for component in {**groups, **(taken or {})}
    ]
    return tuple(sorted(costs, key=lambda cost: (-cost.total_ns, cost.component)))


def by_span(found: OwnEvents) -> Tuple[SpanOwnCost, ...]:
    """A row for each kind of span, the costliest first."""
    costs = [
        SpanOwnCost(*kind, found.number(sorts), found.total_ns(sorts), _in_steps_ns(found, sorts))
        for kind, sorts in _grouped(found, lambda sort: (sort.name, sort.component)).items()
    ]
    return tuple(sorted(costs, key=lambda cost: (-cost.total_ns, cost.name, cost.component)))


def _grouped(found: OwnEvents, key: Callable[[Sort], Key]) -> Dict[Key, List[Sort]]:
    groups: Dict[Key, List[Sort]] = {}
    for sort in found.counts:
        groups.setdefault(key(sort), []).append(sort)
    return groups


def _in_steps_ns(found: OwnEvents, sorts: Sequence[Sort]) -> float:
    return found.total_ns(sort for sort in sorts if sort.in_step)


def _mean_price(found: OwnEvents, sorts: Sequence[Sort]) -> Optional[Price]:
    """The mean cost, with the largest spread; None if no process states a price."""
    priced = [(found.counts[sort], found.price(sort)) for sort in sorts]
    known = [(count, price) for count, price in priced if price is not None]
    events = sum(count for count, _ in known)
    if not events:
        return None
    clocked_ns = sum(found.clocked_ns.get(sort, 0) for sort in sorts)
    return Price(
        (fsum(count * price.outside_ns for count, price in known) + clocked_ns) / events,
        fsum(count * price.inside_ns for count, price in known) / events,
        max(price.spread for _, price in known),
    )


def _taken_by_component(trace: Trace) -> Optional[Dict[str, int]]:
    if trace.correction.state != CORRECTED:
        return None
    taken: Dict[str, int] = {}
    for component, own_ns in zip(trace.component, trace.own_ns):
        if own_ns:
            taken[component] = taken.get(component, 0) + own_ns
    return taken
