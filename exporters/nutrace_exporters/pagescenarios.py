"""Scenarios and their steps in the data of the page; ``assets/scenarios.js`` reads them."""

from __future__ import annotations

from typing import Any, Dict, List

from nutrace.trace import Trace
from nutrace.trace.addresses import CUT_SHORT
from nutrace.trace.real_time import simulated_interval_s
from nutrace_exporters.columns import Packer, deltas
from nutrace_exporters.labels import value


def add_scenarios(trace: Trace, packer: Packer) -> Dict[str, Any]:
    """Add the columns of steps and scenarios; return what the page's JSON says of them.

    In the columns, a scenario is its position in the list ``scenarios``:

    ``step_at``, ``step_scenario``, ``step_iteration``, ``step_interval``
        For each step its span, as a difference; its address; and the seconds that it simulates, as a position
        in the list ``intervals`` (0: unknown).
    ``top_at``, ``top_scenario``
        The outermost spans of scenarios, as differences: one each, unless the page has only parts of them.
    """
    scenarios = trace.simulations
    # Of a run that goes on, nobody knows yet whether what has not ended was cut short.
    outcomes = {CUT_SHORT: "not finished yet"} if trace.diagnostics.running else {}
    place = {scenario.number: at for at, scenario in enumerate(scenarios)}
    intervals = {0.0: 0}
    steps = trace.step_indices
    interval_of = [simulated_interval_s(trace, step) or 0.0 for step in steps]
    packer.add("step_at", deltas(steps))
    packer.add("step_scenario", [place[number] for number, _ in trace.step_addresses])
    packer.add("step_iteration", [iteration for _, iteration in trace.step_addresses])
    packer.add("step_interval", [intervals.setdefault(each, len(intervals)) for each in interval_of])
    of = trace.addresses.scenario_of
    above = [of[up] if up >= 0 else 0 for up in trace.parent]
    tops: List[int] = [span for span, number in enumerate(of) if number and number != above[span]]
    packer.add("top_at", deltas(tops))
    packer.add("top_scenario", [place[of[span]] for span in tops])
    return {
        "scenarios": [
            [
                scenario.number,
                value(scenario.name, 100),
                *(
                    value(item, 100)
                    for item in (scenario.token, scenario.type, scenario.planner, scenario.log)
                ),
                scenario.attempt,
                outcomes.get(scenario.outcome, scenario.outcome),
            ]
            for scenario in scenarios
        ],
        "intervals": list(intervals),
    }
