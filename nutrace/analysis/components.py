"""What each component costs: in the steps, beside them, and outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

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
    return _costs(trace, regions, region, range(len(trace)))


def _costs(trace: Trace, regions: Regions, region: Region, spans: range) -> Tuple[ComponentCost, ...]:
    totals: Dict[str, List[int]] = {}
    busy, calls, self_ns, inner = trace.busy_ns, trace.calls, trace.self_ns, regions.inner_step_ns
    where = regions.region
    for span in spans:
        if where[span] != region:
            continue
        component = trace.component[span]
        entry = totals.get(component)
        if entry is None:
            entry = totals[component] = [0, 0, 0, 0]
        if regions.outermost_component[span]:
            entry[0] += calls[span]
            entry[1] += busy[span] - inner[span]
        entry[2] += self_ns[span]
        entry[3] += trace.own_ns[span]
    costs = [ComponentCost(component, *entry) for component, entry in totals.items()]
    return tuple(sorted(costs, key=lambda cost: (-cost.self_ns, cost.component)))


def step_component_costs(trace: Trace, regions: Regions) -> List[Tuple[int, ComponentCost]]:
    """The components of each finished step, on its thread: the step's span, and what a component costs in it.

    Steps are in the order of the trace, and in each of them the component with the most self time is first.
    """
    found: List[Tuple[int, ComponentCost]] = []
    for step in regions.steps:
        costs = _costs(trace, regions, Region.INSIDE, range(step, trace.subtree_end[step]))
        found += [(step, cost) for cost in costs]
    return found
