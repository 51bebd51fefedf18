"""The steps one by one: how long each took, and in which components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.analysis.regions import Region, Regions
from nutrace.analysis.steps import simulated_interval_s
from nutrace.trace import Trace
from nutrace.trace.selection import step_index


@dataclass(frozen=True)
class Step:
    """One finished step.

    Attributes
    ----------
    span, index:
        Number of its span, and its iteration index in its simulation (or else its place in the trace).
    scenario:
        Token of the scenario, "" if unknown.
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
    index: int
    scenario: str
    start_ns: int
    total_ns: int
    simulated_interval_s: Optional[float]
    realtime_factor: Optional[float]
    self_ns: Mapping[str, int]
    memory: Optional[int] = None


def each_step(trace: Trace, regions: Regions) -> Tuple[Step, ...]:
    """The finished steps of all simulations in a trace, in the order of the trace."""
    order = {span: place for place, span in enumerate(trace.step_indices)}
    scenarios = _scenarios(trace)
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
                index=step_index(trace, span, order[span]),
                scenario=scenarios[span],
                start_ns=trace.start_ns[span],
                total_ns=trace.busy_ns[span],
                simulated_interval_s=interval,
                realtime_factor=None if interval is None else trace.busy_ns[span] / 1e9 / interval,
                self_ns=self_ns,
                memory=number(trace.attributes(span), semconv.MEMORY) or None,
            )
        )
    return tuple(steps)


def _scenarios(trace: Trace) -> List[str]:
    """For each span the token of the nearest simulation around it; "" if unknown.

    Where no function simulates a scenario, steps may say their token themselves.
    """
    tokens: List[str] = []
    for span, (name, above) in enumerate(zip(trace.name, trace.parent)):
        around = tokens[above] if above >= 0 else ""
        if name == semconv.RUN_SPAN:
            around = text(trace.attributes(span), semconv.SCENARIO_TOKEN)
        elif name == semconv.STEP_SPAN:
            around = text(trace.attributes(span), semconv.SCENARIO_TOKEN) or around
        tokens.append(around)
    return tokens
