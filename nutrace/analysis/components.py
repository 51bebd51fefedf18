"""What each component costs: in the steps, beside them, and outside."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import compress
from typing import DefaultDict, Dict, List, Mapping, Sequence, Tuple

from nutrace.analysis.regions import Region, Regions
from nutrace.trace import Trace


@dataclass(frozen=True)
class ComponentCost:
    """One component's cost in one region.

    Attributes
    ----------
    calls:
        How often the component was entered: calls from within the component are not counted, and a
        generator counts once however much it yields.
    total_ns:
        Time in its outermost spans, with the other components that these call: totals of several
        components overlap. Outside the steps, the time of the steps is left out.
    self_ns:
        Time in its spans without the spans below them: the self times of all components sum to the time
        of the region.
    own_ns:
        nutrace's own time that was taken out of its spans, and is in neither of these.
    """

    component: str
    calls: int
    total_ns: int
    self_ns: int
    own_ns: int


def component_costs(trace: Trace, regions: Regions, region: Region) -> Tuple[ComponentCost, ...]:
    """The components of one region, the one with the most self time first."""
    return costs_by_region(trace, regions)[region]


def costs_by_region(trace: Trace, regions: Regions) -> Mapping[Region, Tuple[ComponentCost, ...]]:
    """The components of each region, the one with the most self time first."""
    return _costs(trace, regions, slice(0, len(trace)))


def _costs(trace: Trace, regions: Regions, part: slice) -> Mapping[Region, Tuple[ComponentCost, ...]]:
    """What components cost in some spans that follow each other."""
    totals: Dict[int, DefaultDict[str, List[int]]] = {
        region: defaultdict(lambda: [0, 0, 0, 0]) for region in Region
    }
    where, components = regions.region[part], trace.component[part]
    columns = zip(where, components, trace.self_ns[part], trace.own_ns[part])
    for region, component, self_ns, own_ns in columns:
        entry = totals[region][component]
        entry[2] += self_ns
        entry[3] += own_ns
    columns_of_calls = zip(
        *(where, components, trace.calls[part], trace.busy_ns[part], regions.inner_step_ns[part])
    )
    for region, component, calls, busy_ns, inner_ns in compress(
        columns_of_calls, regions.outermost_component[part]
    ):
        entry = totals[region][component]
        entry[0] += calls
        entry[1] += busy_ns - inner_ns
    return {region: _sorted(totals[region]) for region in Region}


def _sorted(totals: Mapping[str, Sequence[int]]) -> Tuple[ComponentCost, ...]:
    costs = [ComponentCost(component, *entry) for component, entry in totals.items()]
    return tuple(sorted(costs, key=lambda cost: (-cost.self_ns, cost.component)))


def step_component_costs(trace: Trace, regions: Regions) -> List[Tuple[int, ComponentCost]]:
    """The components of each finished step, on its thread: the step's span, and what a component costs in it.

    Steps are in the order of the trace, and in each of them the component with the most self time is first.
    """
    found: List[Tuple[int, ComponentCost]] = []
    for step in regions.steps:
        costs = _costs(trace, regions, slice(step, trace.subtree_end[step]))
        found += [(step, cost) for cost in costs[Region.INSIDE]]
    return found
