"""The steps one by one: how long each took, and in which components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.regions import Region, Regions
from nutrace.trace import Trace
from nutrace.trace.real_time import simulated_interval_s


@dataclass(frozen=True)
class Step:
    """One finished step.

    Attributes
    ----------
    span:
        Number of its span.
    scenario, index:
        Its address: the number of its scenario, and its iteration in it.
    token:
        The scenario's token, "" if unknown.
    start_ns, total_ns:
        Start in Unix ns, duration in ns.
    simulated_interval_s, realtime_factor:
        Seconds that it simulates, and its duration divided by these; None if unknown.
    self_ns:
        Self time of each component on the step's thread; these sum to ``total_ns``.
    memory:
        Bytes resident at its end, which is read ten times a second; None for the other steps.
    """

    span: int
    scenario: int
    index: int
    token: str
    start_ns: int
    total_ns: int
    simulated_interval_s: Optional[float]
    realtime_factor: Optional[float]
    self_ns: Mapping[str, int]
    memory: Optional[int] = None


def costs_of(steps: Iterable[Step]) -> Dict[str, int]:
    """The self time of each component in some steps, in ns, the costliest first."""
    costs: Dict[str, int] = {}
    for step in steps:
        for component, self_ns in step.self_ns.items():
            costs[component] = costs.get(component, 0) + self_ns
    return dict(sorted(costs.items(), key=lambda cost: (-cost[1], cost[0])))


def each_step(trace: Trace, regions: Regions) -> Tuple[Step, ...]:
    """The finished steps of all simulations in a trace, in the order of the trace."""
    tokens = {scenario.number: scenario.token for scenario in trace.simulations}
    steps: List[Step] = []
    for span in regions.steps:
        self_ns: Dict[str, int] = {}
        for below in range(span, trace.subtree_end[span]):
            if regions.region[below] == Region.INSIDE:
                component = trace.component[below]
                self_ns[component] = self_ns.get(component, 0) + trace.self_ns[below]
        interval = simulated_interval_s(trace, span)
        steps.append(
            Step(
                span=span,
                scenario=trace.addresses.scenario_of[span],
                index=trace.addresses.iteration_of[span],
                token=tokens[trace.addresses.scenario_of[span]],
                start_ns=trace.start_ns[span],
                total_ns=trace.busy_ns[span],
                simulated_interval_s=interval,
                realtime_factor=None if interval is None else trace.busy_ns[span] / 1e9 / interval,
                self_ns=self_ns,
                memory=number(trace.attributes(span), semconv.MEMORY) or None,
            )
        )
    return tuple(steps)
