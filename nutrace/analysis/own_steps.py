"""What nutrace itself cost in the steps."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import List, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.own_events import OwnEvents
from nutrace.analysis.regions import Region, Regions
from nutrace.percentiles import weighted_percentiles
from nutrace.trace import Trace


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


def steps_own_cost(trace: Trace, regions: Regions, found: OwnEvents) -> Optional[StepsOwnCost]:
    """What nutrace cost in the finished steps; None without any."""
    if not regions.steps:
        return None
    costs: List[int] = []
    recorded_ns = 0
    for step in regions.steps:
        inside = [
            span for span in range(step, trace.subtree_end[step]) if regions.region[span] == Region.INSIDE
        ]
        own = fsum(found.cost_ns[span] for span in inside) - found.outside_ns(step)
        costs.append(round(own) + number(trace.attributes(step), semconv.OWN_NS))
        recorded_ns += trace.busy_ns[step] + trace.own_inside_ns[step]
    total = sum(costs)
    worst = max(range(len(costs)), key=costs.__getitem__)
    step = regions.steps[worst]
    return StepsOwnCost(
        count=len(costs),
        mean_ns=total / len(costs),
        p95_ns=weighted_percentiles([(cost, 1) for cost in costs], (95,))[0],
        max_ns=costs[worst],
        share=total / recorded_ns if recorded_ns else 0.0,
        worst=(trace.addresses.scenario_of[step], trace.addresses.iteration_of[step]),
    )
